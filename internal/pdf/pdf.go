// Package pdf reads the text of PDF files and draws their pages, by PDFium
// (https://pdfium.googlesource.com) compiled to WebAssembly: no code of a
// hostile file runs outside the memory of its own that it gets here, and there
// are no files, no network and no clock in it but what it is given.
//
//	f, err := pdf.Open(ctx, bytes)
//	defer f.Close()
//	for page := range f.Pages() {
//		m, err := f.Draw(page, 300)
//	}
//
// Compiling PDFium takes seconds; what comes of it is kept in the user's folder
// of caches. Nothing is loaded before the first Open.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Limits on one file.
const (
	MaxPages  = 1000
	MaxPixels = 16 << 20 // of a drawn page; it is drawn with fewer dots an inch instead
	MaxText   = 8 << 20  // bytes of the text of a page

	maxMemory = 160 << 20 // bytes that PDFium has for itself
	wasmPage  = 64 << 10
)

// ErrMalformed is wrapped where a file is not one that PDFium reads.
var ErrMalformed = errors.New("it can't be read")

// A File is an open PDF file. It must be closed, and not be shared between
// goroutines; two files have nothing in common.
type File struct {
	ctx      context.Context // of Open; the library below has no other way to be stopped
	cache    wazero.CompilationCache
	pool     pdfium.Pool
	instance pdfium.Pdfium
	document references.FPDF_DOCUMENT
	pages    int
}

// Open opens a file that is in memory. When ctx ends, all that is under way with
// the file ends, too.
func Open(ctx context.Context, b []byte) (f *File, err error) {
	f = &File{ctx: ctx}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	defer f.recover(&err)
	if err := f.start(); err != nil {
		return f, err
	}
	opened, err := f.instance.OpenDocument(&requests.OpenDocument{File: &b})
	if err != nil {
		return f, f.failed(err)
	}
	f.document = opened.Document
	count, err := f.instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: f.document})
	if err != nil {
		return f, f.failed(err)
	}
	if f.pages = count.PageCount; f.pages < 1 || f.pages > MaxPages {
		return f, fmt.Errorf("%w: %d pages; from 1 to %d are read", ErrMalformed, f.pages, MaxPages)
	}
	return f, nil
}

// start makes an instance of PDFium with a memory of its own.
func (f *File) start() error {
	f.cache = compiled()
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithCompilationCache(f.cache).
		WithCloseOnContextDone(true).
		WithMemoryLimitPages(maxMemory / wasmPage)
	var err error
	f.pool, err = webassembly.Init(webassembly.Config{
		Context: f.ctx, MaxIdle: 1, MaxTotal: 1,
		FSConfig: wazero.NewFSConfig(), RuntimeConfig: config, Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		return f.failed(err)
	}
	f.instance, err = f.pool.GetInstance(time.Minute)
	return f.failed(err)
}

// compiled is where compiled code is kept: in the user's folder of caches, or
// where there is none in memory.
func compiled() wazero.CompilationCache {
	if dir, err := os.UserCacheDir(); err == nil {
		if cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "repro", "wasm")); err == nil {
			return cache
		}
	}
	return wazero.NewCompilationCache()
}

// Pages is how many pages there are.
func (f *File) Pages() int { return f.pages }

// Text is the text of a page, counted from 0, line by line as PDFium finds it.
func (f *File) Text(page int) (text string, err error) {
	defer f.recover(&err)
	got, err := f.instance.GetPageText(&requests.GetPageText{Page: f.page(page)})
	if err != nil {
		return "", f.failed(err)
	}
	if len(got.Text) > MaxText {
		return "", fmt.Errorf("%w: page %d holds more than %d bytes of text", ErrMalformed, page+1, MaxText)
	}
	return got.Text, nil
}

// Known reports whether each character of a page's text is known: a font may
// draw signs without saying which they are.
func (f *File) Known(page int) (known bool, err error) {
	defer f.recover(&err)
	text, err := f.instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: f.page(page)})
	if err != nil {
		return false, f.failed(err)
	}
	defer func() { _, _ = f.instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage}) }()
	count, err := f.instance.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err != nil {
		return false, f.failed(err)
	}
	for i := range min(count.Count, MaxText) {
		got, err := f.instance.FPDFText_GetUnicode(&requests.FPDFText_GetUnicode{TextPage: text.TextPage, Index: i})
		if err != nil {
			return false, f.failed(err)
		}
		wrong, err := f.instance.FPDFText_HasUnicodeMapError(&requests.FPDFText_HasUnicodeMapError{TextPage: text.TextPage, Index: i})
		if err != nil || wrong.HasUnicodeMapError || got.Unicode < ' ' && got.Unicode != '\r' && got.Unicode != '\n' && got.Unicode != '\t' {
			return false, f.failed(err)
		}
	}
	return true, nil
}

// Draw draws a page, counted from 0, with its
// annotations, on white, with so many dots an inch, or as many as MaxPixels allows.
func (f *File) Draw(page, dpi int) (m *image.RGBA, err error) {
	defer f.recover(&err)
	size, err := f.instance.GetPageSizeInPixels(&requests.GetPageSizeInPixels{Page: f.page(page), DPI: dpi})
	if err != nil {
		return nil, f.failed(err)
	}
	for dpi > 1 && int64(size.Width)*int64(size.Height) > MaxPixels {
		dpi = dpi * 3 / 4
		if size, err = f.instance.GetPageSizeInPixels(&requests.GetPageSizeInPixels{Page: f.page(page), DPI: dpi}); err != nil {
			return nil, f.failed(err)
		}
	}
	if size.Width < 1 || size.Height < 1 || int64(size.Width)*int64(size.Height) > MaxPixels {
		return nil, fmt.Errorf("%w: page %d is %d × %d pixels", ErrMalformed, page+1, size.Width, size.Height)
	}
	drawn, err := f.instance.RenderPageInDPI(&requests.RenderPageInDPI{DPI: dpi, Page: f.page(page), RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT})
	if err != nil {
		return nil, f.failed(err)
	}
	defer drawn.Cleanup()
	m = image.NewRGBA(image.Rect(0, 0, size.Width, size.Height)) // the other lies in the memory of PDFium
	draw.Draw(m, m.Rect, drawn.Result.RenderedImage, drawn.Result.RenderedImage.Bounds().Min, draw.Src)
	return m, nil
}

func (f *File) page(i int) requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: f.document, Index: i}}
}

// Close gives up the memory of the file.
func (f *File) Close() {
	defer func() { _ = recover() }() // of an instance that was stopped
	if f.pool != nil {
		_ = f.pool.Close()
	}
	if f.cache != nil {
		_ = f.cache.Close(context.WithoutCancel(f.ctx))
	}
}

// failed says of what PDFium could not do whether it was stopped.
func (f *File) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrMalformed, errors.Join(f.ctx.Err(), err))
}

// recover makes an error of a panic in the library, which has one where PDFium
// runs out of memory or is stopped.
func (f *File) recover(err *error) {
	if p := recover(); p != nil {
		*err = f.failed(fmt.Errorf("PDFium stopped: %v", p))
	}
}
