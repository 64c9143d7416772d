//go:build linux && (amd64 || arm64)

package inside

import (
	"syscall"
	"time"
	"unsafe"
)

// Of sock_diag(7), linux/unix_diag.h, linux/inet_diag.h and
// linux/netlink_diag.h.
const (
	netlinkSockDiag   = 4
	sockDiagByFamily  = 20
	unixShowMemory    = 0x20
	unixMemory        = 5
	inetMemory        = 7
	netlinkShowMemory = 1
	netlinkMemory     = 0
	allProtocols      = 0xff
	everyState        = 0xffffffff
)

// diagPatience is how long an answer may take. There is one in each call, or
// the kernel has no such question.
const diagPatience = time.Second

// socketKind is a kind of socket that the kernel lists when it is asked by
// request. What follows the fixed part of an answer are attributes, of which
// one says how much memory the socket has.
type socketKind struct {
	request   []byte
	fixed     int
	attribute uint16
}

func socketKinds() []socketKind {
	le := func(n uint32) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)} }
	// family, protocol, padding; states; inode; show; cookie
	local := append([]byte{syscall.AF_UNIX, 0, 0, 0}, le(everyState)...)
	local = append(append(append(local, le(0)...), le(unixShowMemory)...), make([]byte, 8)...)
	// family, protocol, padding; inode; show; cookie
	netlink := append([]byte{syscall.AF_NETLINK, allProtocols, 0, 0}, le(0)...)
	netlink = append(append(netlink, le(netlinkShowMemory)...), make([]byte, 8)...)
	kinds := []socketKind{{local, 16, unixMemory}, {netlink, 28, netlinkMemory}}
	for _, family := range []byte{syscall.AF_INET, syscall.AF_INET6} {
		for _, protocol := range []byte{syscall.IPPROTO_TCP, syscall.IPPROTO_UDP} {
			// family, protocol, extensions, padding; states; addresses, ports, interface, cookie
			internet := append([]byte{family, protocol, 1 << (inetMemory - 1), 0}, le(everyState)...)
			kinds = append(kinds, socketKind{append(internet, make([]byte, 48)...), 72, inetMemory})
		}
	}
	return kinds
}

// socketBytes is what all sockets of this network namespace hold, those on
// their way in other sockets among them. A kind that the kernel does not tell
// of counts as nothing.
func socketBytes() (sum int64) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return 0
	}
	defer syscall.Close(fd)
	patience := syscall.NsecToTimeval(diagPatience.Nanoseconds())
	if syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &patience) != nil {
		return 0
	}
	b := make([]byte, 64<<10)
	for _, k := range socketKinds() {
		sum += k.ask(fd, b)
	}
	return sum
}

// ask has the kernel list the sockets of a kind. b takes its answers.
func (k socketKind) ask(fd int, b []byte) (sum int64) {
	message := make([]byte, syscall.NLMSG_HDRLEN, syscall.NLMSG_HDRLEN+len(k.request))
	header := (*syscall.NlMsghdr)(unsafe.Pointer(&message[0]))
	header.Len = uint32(cap(message))
	header.Type, header.Flags = sockDiagByFamily, syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP
	message = append(message, k.request...)
	if syscall.Sendto(fd, message, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}) != nil {
		return 0
	}
	for {
		n, _, err := syscall.Recvfrom(fd, b, 0)
		if err != nil {
			return sum
		}
		held, last := k.answers(b[:n])
		sum += held
		if last {
			return sum
		}
	}
}

// answers adds up messages of the kernel's. The last one says that it is.
func (k socketKind) answers(b []byte) (sum int64, last bool) {
	for len(b) >= syscall.NLMSG_HDRLEN {
		length, kind := int(le32(b)), le16(b[4:])
		if length < syscall.NLMSG_HDRLEN || length > len(b) || kind != sockDiagByFamily {
			return sum, true // NLMSG_DONE, NLMSG_ERROR, or nothing that makes sense
		}
		if at := syscall.NLMSG_HDRLEN + k.fixed; at <= length {
			sum += k.memory(b[at:length])
		}
		b = b[min(aligned(length), len(b)):]
	}
	return sum, false
}

// memory finds the attribute SK_MEMINFO: numbers of bytes, of which the first
// are received, bound for it, to be sent, bound for that, reserved, queued to
// be sent, of options, and waiting to be received.
func (k socketKind) memory(b []byte) int64 {
	const header, received, sending, queued, options, waiting = 4, 0, 2, 5, 6, 7
	for len(b) >= header {
		length := int(le16(b))
		if length < header || length > len(b) {
			return 0
		}
		if le16(b[2:]) == k.attribute && length >= header+4*(waiting+1) {
			n := func(i int) int64 { return int64(le32(b[header+4*i:])) }
			return n(received) + max(n(sending), n(queued)) + n(options) + n(waiting)
		}
		b = b[min(aligned(length), len(b)):]
	}
	return 0
}

// aligned is where what follows n bytes begins.
func aligned(n int) int { return (n + 3) &^ 3 }

func le16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
func le32(b []byte) uint32 { return uint32(le16(b)) | uint32(le16(b[2:]))<<16 }
