package compare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// The kinds of this file.
const (
	kindPNG  = "png"
	kindGIF  = "gif"
	kindJPEG = "jpeg"
)

func init() {
	comparers[kindPNG] = comparePNG
	comparers[kindGIF] = compareGIF
	comparers[kindJPEG] = compareJPEG
}

// sumOf stands for bytes that are only equal or not.
func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%d bytes, sha256:%s", len(b), hex.EncodeToString(sum[:]))
}

// pictureForm is one format of pictures.
type pictureForm struct {
	kind   string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var (
	pngForm  = pictureForm{kindPNG, png.DecodeConfig, png.Decode}
	gifForm  = pictureForm{kindGIF, gif.DecodeConfig, gif.Decode}
	jpegForm = pictureForm{kindJPEG, jpeg.DecodeConfig, jpeg.Decode}
)

func comparePNG(ctx context.Context, j *job) error  { return j.comparePicturesOf(ctx, &pngForm) }
func compareGIF(ctx context.Context, j *job) error  { return j.comparePicturesOf(ctx, &gifForm) }
func compareJPEG(ctx context.Context, j *job) error { return j.comparePicturesOf(ctx, &jpegForm) }

// meaning is what a file says of its picture beside the pixels.
func (p *pictureForm) meaning(b []byte, of side) (colours, error) {
	switch p.kind {
	case kindPNG:
		return chunks(b, of)
	case kindGIF:
		return colours{}, still(b, of)
	}
	return colours{profile: jpegMeaning(b)}, nil
}

// still refuses an animation, which can't be compared by its first picture.
func still(b []byte, of side) error {
	pictures := 0
	at := 13
	if len(b) > at && b[10]&0x80 != 0 {
		at += 3 << (b[10]&7 + 1)
	}
	for at < len(b) {
		switch b[at] {
		case 0x21: // an extension
			at += 2
		case 0x2c: // a picture
			if pictures++; pictures > 1 {
				return &undecided{"the " + string(of) + " picture is animated"}
			}
			if at+10 > len(b) {
				return nil
			}
			size := 0
			if b[at+9]&0x80 != 0 {
				size = 3 << (b[at+9]&7 + 1)
			}
			at += 10 + size + 1
		default:
			return nil
		}
		for at < len(b) && b[at] != 0 {
			at += 1 + int(b[at])
		}
		at++
	}
	return nil
}

// jpegMeaning sums the segments that change how samples are shown: colour
// profiles, Adobe's transform and Exif, which may turn the picture.
func jpegMeaning(b []byte) uint32 {
	var sum bytes.Buffer
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		size := int(b[at+2])<<8 | int(b[at+3])
		if b[at+1] == 0xda || size < 2 || at+2+size > len(b) {
			break
		}
		body := b[at+4 : at+2+size]
		if b[at+1] == 0xe2 && bytes.HasPrefix(body, []byte("ICC_PROFILE")) || b[at+1] == 0xee ||
			b[at+1] == 0xe1 && bytes.HasPrefix(body, []byte("Exif")) {
			sum.Write(body)
		}
		at += 2 + size
	}
	if sum.Len() == 0 {
		return 0
	}
	digest := sha256.Sum256(sum.Bytes())
	return uint32(digest[0])<<24 | uint32(digest[1])<<16 | uint32(digest[2])<<8 | uint32(digest[3]) | 1
}
