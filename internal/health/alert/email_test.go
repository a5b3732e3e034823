package alert

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is a mail server on loopback. It takes one conversation at a time.
type mailServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	auth     string            // what it offers for a login; empty: none
	answers  map[string]string // instead of the ordinary ones, by command
	mute     bool              // it never greets

	mu      sync.Mutex
	said    []string // what the client said
	content string
	secure  bool
	done    sync.WaitGroup
}

func newMailServer(t *testing.T, change func(*mailServer)) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{t: t, listener: listener, answers: map[string]string{}}
	change(s)
	s.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	})
	t.Cleanup(func() { listener.Close(); s.done.Wait() })
	return s
}

// serve is one conversation.
func (s *mailServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if s.mute {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	fmt.Fprint(conn, "220 mail.test ESMTP\r\n")
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		if answer, set := s.answers[verb]; set {
			fmt.Fprint(conn, answer+"\r\n")
			continue
		}
		switch verb {
		case "EHLO":
			fmt.Fprint(conn, "250-mail.test\r\n")
			if _, secure := conn.(*tls.Conn); s.tls != nil && !secure {
				fmt.Fprint(conn, "250-STARTTLS\r\n")
			}
			if s.auth != "" {
				fmt.Fprintf(conn, "250-AUTH %s\r\n", s.auth)
			}
			fmt.Fprint(conn, "250 8BITMIME\r\n")
		case "STARTTLS":
			fmt.Fprint(conn, "220 go ahead\r\n")
			conn = tls.Server(conn, s.tls)
			in = bufio.NewReader(conn)
			s.mu.Lock()
			s.secure = true
			s.mu.Unlock()
		case "AUTH":
			s.login(line, conn, in)
		case "DATA":
			fmt.Fprint(conn, "354 go ahead\r\n")
			var text strings.Builder
			for line, err := in.ReadString('\n'); err == nil && line != ".\r\n"; line, err = in.ReadString('\n') {
				text.WriteString(line)
			}
			s.mu.Lock()
			s.content = text.String()
			s.mu.Unlock()
			fmt.Fprint(conn, "250 taken\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 fine\r\n")
		}
	}
}

// login takes the login me and pass word, by either mechanism.
func (s *mailServer) login(line string, conn net.Conn, in *bufio.Reader) {
	given := ""
	if initial, ok := strings.CutPrefix(line, "AUTH PLAIN "); ok {
		raw, _ := base64.StdEncoding.DecodeString(initial)
		given = strings.TrimPrefix(strings.ReplaceAll(string(raw), "\x00", "|"), "|")
	} else {
		for _, ask := range []string{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"} {
			fmt.Fprintf(conn, "334 %s\r\n", ask)
			line, _ := in.ReadString('\n')
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
			given = strings.TrimPrefix(given+"|"+string(raw), "|")
		}
	}
	if given != "me|pass word" {
		fmt.Fprintf(conn, "535 wrong: %s\r\n", given)
		return
	}
	fmt.Fprint(conn, "235 welcome\r\n")
}

func (s *mailServer) email() Email {
	return Email{Addr: s.listener.Addr().String(), From: "bot@example.org", To: []string{"me@example.org", "you@example.org"}}
}

// certificate makes a certificate for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, pool
}

// Given a mail server that offers encryption and wants a login, then the
// message goes out encrypted, to everybody, and reads as it was written.
func TestEmail(t *testing.T) {
	own, pool := certificate(t)
	s := newMailServer(t, func(s *mailServer) {
		s.tls, s.auth = &tls.Config{Certificates: []tls.Certificate{own}}, "LOGIN PLAIN"
	})
	e := s.email()
	e.User, e.Password, e.TLS = "me", "pass word", &tls.Config{RootCAs: pool}
	m := example
	m.Title, m.Text = "Bötchen is offline\r\nBcc: evil@example.org", "Since 22:00: ปกติ.\n.\nend"
	if err := e.Send(t.Context(), m); err != nil || e.Name() != "e-mail" {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.secure || !strings.Contains(strings.Join(s.said, "\n"), "RCPT TO:<you@example.org>") {
		t.Errorf("encrypted: %t, the client said %q", s.secure, s.said)
	}
	got, err := mail.ReadMessage(strings.NewReader(s.content))
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	body, _ := io.ReadAll(quotedprintable.NewReader(got.Body))
	if subject != "Bötchen is offline Bcc: evil@example.org" || got.Header.Get("Bcc") != "" || got.Header.Get("References") != "<"+m.Thread+"@example.org>" {
		t.Errorf("header is %v", got.Header)
	}
	if !strings.Contains(strings.ReplaceAll(string(body), "\r\n", "\n"), "Since 22:00: ปกติ.\n") || !strings.Contains(string(body), m.Link) {
		t.Errorf("body is %q", body)
	}
	if date, err := got.Header.Date(); err != nil || !date.Equal(at) {
		t.Errorf("date is %s, %v", date, err)
	}
}

// On this machine a server may do without encryption, and without PLAIN.
func TestEmailOnLoopback(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.auth = "LOGIN" })
	e := s.email()
	e.User, e.Password = "me", "pass word"
	if err := e.Send(t.Context(), example); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.content, "Subject: ResearchBot is offline\r\n") {
		t.Errorf("got %s", s.content)
	}
}

// Given a server that refuses, then what will not change is told from what may,
// and no error contains the password, even where the server repeats it.
//
// Statements: G-157.
func TestEmailRefused(t *testing.T) {
	own, _ := certificate(t)
	for name, c := range map[string]struct {
		change  func(*mailServer)
		login   string
		refused bool
		says    string
	}{
		"wrong password":      {func(s *mailServer) { s.auth = "PLAIN" }, "very-secret", true, "535"},
		"wrong by LOGIN":      {func(s *mailServer) { s.auth = "LOGIN" }, "very-secret", true, "535"},
		"sender":              {func(s *mailServer) { s.answers["MAIL"] = "550 no" }, "", true, "sender"},
		"recipient, for now":  {func(s *mailServer) { s.answers["RCPT"] = "451 greylisted" }, "", false, "greylisted"},
		"content":             {func(s *mailServer) { s.answers["DATA"] = "554 no" }, "", true, "554"},
		"unknown certificate": {func(s *mailServer) { s.tls = &tls.Config{Certificates: []tls.Certificate{own}} }, "", false, "encrypted"},
	} {
		s := newMailServer(t, c.change)
		e := s.email()
		if c.login != "" {
			e.User, e.Password = "me", c.login
		}
		err := e.Send(t.Context(), example)
		if _, ok := errors.AsType[*Refused](err); err == nil || ok != c.refused || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Given a server that is not there, says nothing or has no address, then
// sending ends with its deadline.
func TestEmailHasADeadline(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.mute = true })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.email().Send(ctx, example); err == nil || !strings.Contains(err.Error(), "does not greet") {
		t.Errorf("got %v", err)
	}
	e := s.email()
	e.Addr = "127.0.0.1"
	err := e.Send(t.Context(), example)
	if _, ok := errors.AsType[*Refused](err); !ok {
		t.Errorf("got %v", err)
	}
	e.Addr = "127.0.0.1:1"
	err = e.Send(t.Context(), example)
	if _, ok := errors.AsType[*Refused](err); err == nil || ok {
		t.Errorf("got %v", err)
	}
}

// Given a server whose greeting has no end, then sending fails before much of it is read.
func TestEndlessMailServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	wrote := make(chan int)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		total := 0
		for piece := bytes.Repeat([]byte("220 hello "), 1000); err == nil && total < 1<<30; {
			var n int
			n, err = conn.Write(piece)
			total += n
		}
		wrote <- total
	}()
	err = Email{Addr: listener.Addr().String(), From: "bot@example.org", To: []string{"you@example.org"}}.Send(t.Context(), example)
	if err == nil || !strings.Contains(err.Error(), "have no end") {
		t.Errorf("got %v", err)
	}
	if n := <-wrote; n > maxMailAnswers+(32<<20) { // what the sockets hold
		t.Errorf("%d bytes were written", n)
	}
}

// A server beyond this machine gets nothing unencrypted: neither message nor
// password.
func TestEmailWantsEncryption(t *testing.T) {
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		in := bufio.NewReader(server)
		fmt.Fprint(server, "220 mail.test\r\n")
		_, _ = in.ReadString('\n')
		fmt.Fprint(server, "250 mail.test\r\n")
		_, _ = io.Copy(io.Discard, in)
	}()
	_, err := Email{}.greet(client, "mail.example", "587", &tls.Config{})
	if _, ok := errors.AsType[*Refused](err); !ok || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("got %v", err)
	}
	client.Close()
	server.Close()
	<-done
	l := &loginAuth{}
	if _, _, err := l.Start(&smtp.ServerInfo{Name: "mail.example"}); err == nil {
		t.Error("a password goes out unencrypted")
	}
	l.asked = 2
	if _, err := l.Next(nil, true); err == nil {
		t.Error("a third question is answered")
	}
}

// Port 465 speaks TLS from the first byte.
func TestEmailOverTLS(t *testing.T) {
	own, pool := certificate(t)
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{own}})
		fmt.Fprint(conn, "220 mail.test\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}()
	if _, err := (Email{}).greet(client, "127.0.0.1", "465", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}); err != nil {
		t.Error(err)
	}
	client.Close()
	server.Close()
	<-done
}
