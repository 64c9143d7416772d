package codec

import "errors"

var errLZO = errors.New("damaged block")

// decodeLZO decompresses LZO1X, by the description in the Linux kernel,
// Documentation/staging/lzo.rst. Version 0 streams only, which is all that
// squashfs holds.
func decodeLZO(dst, src []byte) (int, error) {
	d := lzo{dst: dst, src: src}
	if err := d.run(); err != nil {
		return 0, err
	}
	return d.out, nil
}

type lzo struct {
	dst, src []byte
	out, in  int
}

func (d *lzo) next() (int, error) {
	if d.in >= len(d.src) {
		return 0, errLZO
	}
	d.in++
	return int(d.src[d.in-1]), nil
}

// long returns a length whose low bits were all zero in the instruction: 255
// for every zero byte, then the first other byte, above base.
func (d *lzo) long(base int) (int, error) {
	n := base
	for {
		b, err := d.next()
		if err != nil {
			return 0, err
		}
		if b != 0 {
			return n + b, nil
		}
		if n += 255; n > len(d.dst) {
			return 0, ErrTooLong
		}
	}
}

func (d *lzo) literals(n int) error {
	if n > len(d.src)-d.in {
		return errLZO
	}
	if n > len(d.dst)-d.out {
		return ErrTooLong
	}
	copy(d.dst[d.out:], d.src[d.in:d.in+n])
	d.in, d.out = d.in+n, d.out+n
	return nil
}

func (d *lzo) match(distance, n int) error {
	if distance > d.out {
		return errLZO
	}
	if n > len(d.dst)-d.out {
		return ErrTooLong
	}
	for range n { // byte by byte: source and destination may overlap
		d.dst[d.out] = d.dst[d.out-distance]
		d.out++
	}
	return nil
}

// run executes instructions. state is how many literals the last one copied:
// 0 to 3, or 4 for more.
func (d *lzo) run() error {
	state := 0
	if len(d.src) > 0 && d.src[0] > 17 {
		n := int(d.src[0]) - 17
		d.in = 1
		if err := d.literals(n); err != nil {
			return err
		}
		state = min(n, 4)
	}
	for {
		op, err := d.next()
		if err != nil {
			return err
		}
		if op < 16 && state == 0 {
			n := op + 3
			if op == 0 {
				if n, err = d.long(18); err != nil {
					return err
				}
			}
			if err := d.literals(n); err != nil {
				return err
			}
			state = 4
			continue
		}
		distance, n, trailing, err := d.reference(op, state)
		if err != nil {
			return err
		}
		if distance == 0 { // the end mark
			if d.in != len(d.src) {
				return errLZO
			}
			return nil
		}
		if err := d.match(distance, n); err != nil {
			return err
		}
		if err := d.literals(trailing); err != nil {
			return err
		}
		state = trailing
	}
}

// reference decodes an instruction that copies n bytes from distance back,
// followed by trailing literals. Distance 0 is the end mark.
func (d *lzo) reference(op, state int) (distance, n, trailing int, err error) {
	switch {
	case op >= 64: // 3 to 8 bytes from within 2 KiB
		h, err := d.next()
		return h<<3 + op>>2&7 + 1, op>>5 + 1, op & 3, err
	case op >= 32: // from within 16 KiB
		if n = op & 31; n == 0 {
			n, err = d.long(31)
		}
		word, err2 := d.word()
		return word>>2 + 1, n + 2, word & 3, errors.Join(err, err2)
	case op >= 16: // from 16 to 48 KiB
		if n = op & 7; n == 0 {
			n, err = d.long(7)
		}
		word, err2 := d.word()
		distance = (op&8)<<11 + word>>2
		if distance != 0 {
			distance += 16384
		}
		return distance, n + 2, word & 3, errors.Join(err, err2)
	case state == 4: // 3 bytes from 2 to 3 KiB, after many literals
		h, err := d.next()
		return h<<2 + op>>2 + 2049, 3, op & 3, err
	default: // 2 bytes from within 1 KiB, after a few literals
		h, err := d.next()
		return h<<2 + op>>2 + 1, 2, op & 3, err
	}
}

func (d *lzo) word() (int, error) {
	low, err := d.next()
	if err != nil {
		return 0, err
	}
	high, err := d.next()
	return low | high<<8, err
}
