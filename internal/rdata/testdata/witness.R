# Objects of many types, versions and packings, as R writes them.
folder <- commandArgs(TRUE)[1]
set.seed(5)

hex <- function(x, ...) paste(as.character(writeBin(x, raw(), ...)), collapse = "")
q <- function(s) {
  s <- gsub("\\", "\\\\", s, fixed = TRUE)
  paste0('"', gsub('"', '\\"', s, fixed = TRUE), '"')
}
shape <- function(x) paste0("[", paste(if (is.null(dim(x))) length(x) else dim(x), collapse = ","), "]")
rows <- function(x) if (is.array(x) && length(dim(x)) > 1) aperm(x) else x # the last axis fastest
entry <- function(name, class, size, x, data) {
  sprintf('{"name":%s,"class":"%s","size":%d,"shape":%s,"data":"%s"}', q(name), class, size, shape(x), data)
}
texts <- function(name, x) sprintf('{"name":%s,"class":"text","size":0,"shape":[%d],"texts":[%s]}', q(name), length(x), if (length(x)) paste(q(x), collapse = ",") else "")

# missing marks where NA stands, as the reader does.
missing <- function(name, x) {
  at <- if (is.complex(x)) {
    one <- function(v) is.na(v) & !is.nan(v)
    re <- one(Re(x)); im <- one(Im(x))
    ifelse(re & im, "C", ifelse(im, "O", ifelse(re, "N", "-")))
  } else ifelse(is.na(x) & !is.nan(x), "N", "-")
  if (all(at == "-")) return(NULL)
  entry(paste(name, "missing"), "bytes", 1, x, paste(vapply(rows(array(at, dim(x) %||% length(x))), function(c) as.character(charToRaw(c)), ""), collapse = ""))
}
`%||%` <- function(a, b) if (is.null(a)) b else a

found <- function(name, x) {
  own <- rows(x)
  plain <- as.vector(unclass(own))
  out <- switch(typeof(x),
    logical = entry(name, "bytes", 4, x, hex(plain, endian = "big")),
    integer = entry(name, "int", 4, x, hex(plain, endian = "little")),
    double = entry(name, "float", 8, x, hex(plain, endian = "little")),
    complex = entry(name, "complex", 16, x, hex(plain, endian = "little")),
    raw = entry(name, "bytes", 1, x, hex(plain)),
    character = texts(name, x),
    list = c(texts(name, sprintf("list of %d", length(x))),
      unlist(lapply(seq_along(x), function(i) found(paste0(name, if (is.null(names(x))) sprintf("[[%d]]", i) else paste0("$", names(x)[i])), x[[i]])))),
    "NULL" = texts(name, "NULL"))
  if (typeof(x) %in% c("integer", "double", "complex")) out <- c(out, missing(name, x))
  for (a in names(attributes(x))) {
    v <- attr(x, a)
    if (a == "row.names" && is.integer(v)) v <- c(NA, -length(v)) # how R keeps it
    out <- c(out, found(paste0(name, "@", a), v))
  }
  out
}

n <- 0
save_one <- function(x, ...) {
  n <<- n + 1
  path <- file.path(folder, sprintf("%d.rds", n))
  saveRDS(x, path, ...)
  writeLines(sprintf('{"arrays":[%s]}', paste(found("value", x), collapse = ",")), paste0(path, ".json"), useBytes = TRUE)
}

objects <- list(
  c(TRUE, FALSE, NA), 1:5, c(5L, NA, -3L), rnorm(7), c(1, NA, NaN, Inf, -0), complex(real = rnorm(3), imaginary = rnorm(3)),
  complex(real = c(NA, 1, 2), imaginary = c(1, 2, NA)), as.raw(0:9), c("a", "b\"c"), "\u00e9\u03b1", character(0), integer(0),
  matrix(1:6, 2), matrix(rnorm(6), 3), array(rnorm(24), c(2, 3, 4)), matrix(c(1, NA, 3, 4, 5, 6), 2), matrix(c(TRUE, FALSE, NA, TRUE), 2),
  c(a = 1, b = 2), factor(c("x", "y", "x")), list(1, "a", NULL, list(b = 2L)), list(a = 1:3, b = list(c = "d")),
  data.frame(u = c(1.5, 2.5), v = c("p", "q"), w = factor(c("m", "n"))), as.Date("2024-05-06"), seq(2, 10, by = 2), as.character(1:4), NULL)
for (x in objects) for (version in 2:3) save_one(x, version = version)
for (pack in c("gzip", "bzip2", "xz")) save_one(list(rnorm(50), month.name), compress = pack)
save_one(1:100000)
save_one(rnorm(20000), compress = FALSE)
big <- sort(c(3, 1, 2)) # kept with what is known of its order
save_one(big)

u <- rnorm(3); v <- c(a = 1L)
for (version in 2:3) {
  path <- file.path(folder, sprintf("saved-%d.rda", version))
  save(u, v, file = path, version = version)
  writeLines(sprintf('{"arrays":[%s]}', paste(c(found("u", u), found("v", v)), collapse = ",")), paste0(path, ".json"))
}
refused <- list(f = function(x) x, e = new.env())
for (i in names(refused)) {
  path <- file.path(folder, paste0(i, ".rds"))
  saveRDS(refused[[i]], path)
  writeLines('{"unread": true}', paste0(path, ".json"))
}
