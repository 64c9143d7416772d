# Draws the plots of the figures experiment with R (SPEC.md, CMP-79).
# usage: Rscript plots.R OUT TYPE ANTIALIAS RES
# Writes OUT/KIND-CHANGE.png; CHANGE is "base", or a planted change.
args <- commandArgs(TRUE)
out <- args[1]; type <- args[2]; antialias <- args[3]; res <- as.integer(args[4])
n <- 0:39
noise <- { v <- sin(n * 12.9898) * 43758.5453; v - trunc(v) }
x <- seq(0, 10, length.out = 60)
change <- "base"
pick <- function(name, changed, base) if (change == name) changed else base
words <- function(title, xlab, ylab) title(paste0(title, pick("title-digit", " (n = 188)", " (n = 138)")),
  xlab = paste0(xlab, pick("unit", " (h)", " (s)")), ylab = ylab)

rline <- function() {
  y <- exp(-x / 5) * cos(x)
  plot(x, y * pick("curve-1-percent", 1.01, 1), type = "l", xlim = c(0, 10 * pick("axis-2-percent", 1.02, 1)), ylim = c(-.6, 1.1), ann = FALSE)
  if (change != "curve-gone") lines(x, .4 * sin(x / 2), col = "red", lty = 2)
  legend("topright", c(pick("legend-letter", "site e", "site c"), "site d"), col = 1:2, lty = 1:2)
  words("Decay", "time", "signal")
}
rscatter <- function() {
  px <- n / 4; py <- n / 5 + 2 * noise
  if (change == "point-moved") py[18] <- py[18] + .3
  if (change == "point-removed") { px <- px[-12]; py <- py[-12] }
  plot(px, py, pch = pick("marker", 0, 1), xlim = c(0, 10 * pick("axis-2-percent", 1.02, 1)), ylim = c(-3, 10), ann = FALSE)
  abline(0, .8 * pick("fit-2-percent", 1.02, 1))
  words("Calibration", "time", "response")
}
rbar <- function() {
  h <- c(3.2, 5.1, 4.4, 6, 2.7)
  if (change == "bar-to-zero") h[3] <- 0
  if (change == "bar-3-percent") h[4] <- h[4] * 1.03
  barplot(h, names.arg = c("A", "B", pick("tick-letter", "G", "C"), "D", "E"), ylim = c(0, 7), col = pick("bar-colour", "tan", "grey"))
  words("Groups", "group", "mean")
}
rhist <- function() {
  hist(c(noise * 3, noise^3 * 2, rep(.31, pick("count-plus-one", 3, 2))), breaks = seq(-3, 3, .5), ylim = c(0, 22), main = "", ann = FALSE)
  words("Residuals", "residual", "count")
}
rheat <- function() {
  z <- outer(sin(0:9 / 2), cos(0:11 / 3), "+")
  if (change == "heat-cell") z[5, 8] <- z[5, 8] + .35
  image(z, col = pick("colour-map", terrain.colors(64), heat.colors(64)), zlim = c(-2, 2.4))
  words("Field", "x", "y")
}
rbox <- function() {
  g <- list(noise, noise + .3, noise + .6)
  g[[2]] <- c(g[[2]], if (change != "outlier-gone") 3.1)
  boxplot(g, ylim = c(-1.5, 3.6)); words("Spread", "batch", "value")
}
plots <- list(
  rline = c("title-digit", "unit", "curve-1-percent", "curve-gone", "axis-2-percent", "legend-letter"),
  rscatter = c("title-digit", "unit", "point-moved", "point-removed", "marker", "axis-2-percent", "fit-2-percent"),
  rbar = c("title-digit", "unit", "bar-to-zero", "bar-3-percent", "tick-letter", "bar-colour"),
  rhist = c("title-digit", "unit", "count-plus-one"),
  rheat = c("title-digit", "unit", "heat-cell", "colour-map"),
  rbox = c("title-digit", "unit", "outlier-gone"))
for (kind in names(plots)) for (change in c("base", plots[[kind]])) {
  png(sprintf("%s/%s-%s.png", out, kind, change), width = 6.4, height = 4.8, units = "in", res = res, type = type, antialias = antialias)
  get(kind)()
  invisible(dev.off())
}
