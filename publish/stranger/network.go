package stranger

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
)

// brokenConnections are the texts of errors of net/http that have no name there: a
// connection was lost before or while a request was sent that it can't send again
// by itself.
var brokenConnections = []string{
	"http: server closed idle connection",
	"net/http: cannot rewind body after connection loss",
}

// IsNetwork reports whether err is of a connection: one that could not be had, that
// was cut off or stood still. What is wrong for good is not: an unknown host, a
// certificate, a port where nobody listens, an answer that is not HTTP or leads
// nowhere. Nor is what this machine does with its own files.
//
// That err implements [net.Error] says little: so do every error of [http.Client]
// and every [syscall.Errno], a full disk among them.
func IsNetwork(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsTemporary
	}
	if isForGood(err) {
		return false
	}
	for _, cut := range []error{io.ErrUnexpectedEOF, io.EOF, ErrStalled, http.ErrServerClosed, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, cut) {
			return true
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return true
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return true
	}
	return err != nil && slices.ContainsFunc(brokenConnections, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// isForGood reports whether the other side, or the address, is the wrong one.
func isForGood(err error) bool {
	var refused *RefusedError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var address *net.AddrError
	var op *net.OpError
	switch {
	case errors.As(err, &refused), errors.As(err, &address), errors.Is(err, syscall.ECONNREFUSED):
		return true
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid):
		return true
	}
	return errors.As(err, &op) && op.Op == "remote error" // an alert of TLS: it does not want us
}

// IsLoopback reports whether host, with or without a port, is this machine.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
