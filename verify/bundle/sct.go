package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"time"
)

// Signed certificate timestamps (RFC 6962, section 3).

var oidSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

const maxSCTs = 16

// sct is a log's promise that it will hold a certificate.
type sct struct {
	log        []byte
	time       uint64 // milliseconds since 1970
	extensions []byte
	signature  []byte
}

// logged checks that a log for certificates, which the root names, has promised
// to hold the signer's; if it names none, nothing is asked. SPEC.md, KLS-5.
func (c *check) logged(issuer *x509.Certificate) error {
	if len(c.root.ctLogs) == 0 {
		return nil
	}
	all, err := scts(c.cert)
	if err != nil {
		return wrong(ErrUntrusted, "certificate: %v", err)
	}
	tbs, err := withoutSCTs(c.cert.RawTBSCertificate)
	if err != nil {
		return wrong(ErrUntrusted, "certificate: %v", err)
	}
	issuerKey := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	for _, s := range all {
		at := time.UnixMilli(int64(min(s.time, 1<<52)))
		for _, l := range c.root.ctLogs {
			if bytes.Equal(l.id, s.log) && l.window.contains(at) && l.verify(s.signed(issuerKey[:], tbs), s.signature) {
				return nil
			}
		}
	}
	return wrong(ErrUntrusted, "no log for certificates that is trusted has promised to hold the certificate (%d did)", len(all))
}

// signed is what the log signed: a precertificate entry.
func (s *sct) signed(issuerKey, tbs []byte) []byte {
	b := []byte{0, 0} // version 1, certificate_timestamp
	b = binary.BigEndian.AppendUint64(b, s.time)
	b = append(b, 0, 1) // precert_entry
	b = append(b, issuerKey...)
	b = append(b, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs)))
	b = append(b, tbs...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.extensions)))
	return append(b, s.extensions...)
}

var errSCT = errors.New("its list of log promises is malformed")

// scts reads the promises in a certificate.
func scts(c *x509.Certificate) ([]sct, error) {
	var all []sct
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSCTs) {
			continue
		}
		var list []byte
		if rest, err := asn1.Unmarshal(e.Value, &list); err != nil || len(rest) > 0 {
			return nil, errSCT
		}
		list, rest, ok := vector(list)
		if !ok || len(rest) > 0 {
			return nil, errSCT
		}
		for len(list) > 0 {
			var one []byte
			if one, list, ok = vector(list); !ok || len(all) == maxSCTs {
				return nil, errSCT
			}
			s, ok := parseSCT(one)
			if !ok {
				return nil, errSCT
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func parseSCT(b []byte) (s sct, ok bool) {
	const head = 1 + sha256.Size + 8
	if len(b) < head || b[0] != 0 {
		return s, false
	}
	s.log, s.time = b[1:1+sha256.Size], binary.BigEndian.Uint64(b[1+sha256.Size:])
	var rest []byte
	if s.extensions, rest, ok = vector(b[head:]); !ok || len(rest) < 2 {
		return s, false
	}
	s.signature, rest, ok = vector(rest[2:]) // after the names of the algorithms, which the log's key has
	return s, ok && len(rest) == 0
}

// vector cuts bytes off b whose number stands before them in two bytes.
func vector(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// withoutSCTs returns a certificate's signed part as it was before the promises
// were put in, with all other bytes as they stand.
func withoutSCTs(tbs []byte) ([]byte, error) {
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(tbs, &outer); err != nil || len(rest) > 0 {
		return nil, errSCT
	}
	var fields []byte
	for rest := outer.Bytes; len(rest) > 0; {
		var field asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &field); err != nil {
			return nil, errSCT
		}
		if field.Class == asn1.ClassContextSpecific && field.Tag == 3 { // extensions
			if field.FullBytes, err = cutExtension(field.Bytes); err != nil {
				return nil, err
			}
		}
		fields = append(fields, field.FullBytes...)
	}
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: fields})
}

func cutExtension(b []byte) ([]byte, error) {
	var list asn1.RawValue
	if rest, err := asn1.Unmarshal(b, &list); err != nil || len(rest) > 0 {
		return nil, errSCT
	}
	var kept []byte
	for rest := list.Bytes; len(rest) > 0; {
		var e asn1.RawValue
		var id asn1.ObjectIdentifier
		var err error
		if rest, err = asn1.Unmarshal(rest, &e); err != nil {
			return nil, errSCT
		}
		if _, err := asn1.Unmarshal(e.Bytes, &id); err != nil {
			return nil, errSCT
		}
		if !id.Equal(oidSCTs) {
			kept = append(kept, e.FullBytes...)
		}
	}
	inner, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: kept})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 3, IsCompound: true, Bytes: inner})
}
