//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// insiders are what this test binary is inside a sandbox.
var insiders = map[string]func(){
	"escape":   attemptMain,
	"nest":     nestMain,
	"loopback": loopbackMain,
	"dial":     dialMain,
	"hold":     holdMain,
}

// attemptMain is the program that the escape tests run inside. It prints the
// name of every attempt that was not refused.
func attemptMain() {
	all := attempts
	if os.Getenv("BINDS") != "" {
		all = append(all, bindAttempts...)
	}
	for _, a := range all {
		if err := a.try(); err == nil {
			fmt.Println("not refused:", a.name)
		} else if os.Getenv("VERBOSE") != "" {
			fmt.Printf("%s: %v\n", a.name, err)
		}
	}
}

// nestMain makes directories deeper than any path can name.
func nestMain() {
	for range 2500 {
		if err := errors.Join(os.Mkdir("d", 0o755), unix.Chdir("d")); err != nil {
			fmt.Println(err)
		}
	}
	_ = os.WriteFile("f", nil, 0)
	fmt.Println("made")
}

// loopbackMain talks to itself.
func loopbackMain() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
		}
	}()
	if _, err := l.Accept(); err == nil {
		fmt.Println("heard")
	}
}

// dialMain reaches for a listener of the host.
func dialMain() {
	if _, err := net.Dial("tcp", os.Getenv("HOST_TCP")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
