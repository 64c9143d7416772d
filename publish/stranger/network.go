package stranger

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// IsNetwork reports whether err is of a connection: one that could not be had, that
// was cut off or stood still. What is wrong for good is not: an unknown host, a
// certificate, a port where nobody listens.
func IsNetwork(err error) bool {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &dns):
		return dns.IsTemporary
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid), errors.Is(err, syscall.ECONNREFUSED):
		return false
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, ErrStalled), errors.Is(err, http.ErrServerClosed):
		return true
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return true
	}
	var network net.Error
	return errors.As(err, &network)
}

// IsLoopback reports whether host, with or without a port, is this machine.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
