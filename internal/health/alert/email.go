package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Email sends messages by SMTP. Port 465 is TLS from the first byte, other ports
// use STARTTLS. A server that offers no encryption is refused, unless it is on this
// machine.
type Email struct {
	// Addr is host:port of the mail server.
	Addr string
	// User and Password are the login; empty: without one.
	User, Password string
	From           string
	To             []string
	// TLS replaces the settings of encryption. Default: the host's certificate
	// authorities, TLS 1.2 or later.
	TLS *tls.Config
}

// Name implements [Channel].
func (e Email) Name() string { return "e-mail" }

// Send implements [Channel].
func (e Email) Send(ctx context.Context, m Notification) error {
	err := e.send(ctx, m)
	if code, ok := errors.AsType[*textproto.Error](err); ok && code.Code >= 500 {
		return &Refused{err}
	}
	return err
}

func (e Email) send(ctx context.Context, m Notification) error {
	host, port, err := net.SplitHostPort(e.Addr)
	if err != nil {
		return &Refused{errors.New("the mail server's address is not host:port")}
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.TLS != nil {
		settings = e.TLS.Clone()
	}
	settings.ServerName = host
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	client, err := e.greet(&boundedConn{Conn: conn, left: maxMailAnswers}, host, port, settings)
	if err != nil {
		return err
	}
	if err := e.login(client, host); err != nil {
		return err
	}
	if err := client.Mail(e.From); err != nil {
		return fmt.Errorf("the mail server refuses the sender: %w", err)
	}
	for _, to := range e.To {
		if err := client.Rcpt(to); err != nil {
			return fmt.Errorf("the mail server refuses a recipient: %w", err)
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(e.compose(m)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the message is accepted, whatever the server answers now
	return nil
}

// maxMailAnswers is how much is read of a mail server in one session, in bytes.
const maxMailAnswers = 1 << 20

// boundedConn fails once so much has been read: net/smtp reads a line of any length.
type boundedConn struct {
	net.Conn
	left int
}

// Read implements [net.Conn].
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server's answers have no end")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// implicitTLSPort is the port on which mail servers speak TLS from the first byte.
const implicitTLSPort = "465"

// greet opens an encrypted SMTP session on conn.
func (e Email) greet(conn net.Conn, host, port string, settings *tls.Config) (*smtp.Client, error) {
	if port == implicitTLSPort {
		conn = tls.Client(conn, settings)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, fmt.Errorf("the mail server does not greet: %w", err)
	}
	if port == implicitTLSPort {
		return client, nil
	}
	return client, e.encrypt(client, settings, conn)
}

// encrypt starts TLS by STARTTLS.
func (e Email) encrypt(client *smtp.Client, settings *tls.Config, conn net.Conn) error {
	if offered, _ := client.Extension("STARTTLS"); offered {
		if err := client.StartTLS(settings); err != nil {
			return fmt.Errorf("the connection to the mail server could not be encrypted: %w", err)
		}
		return nil
	}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return &Refused{errors.New("the mail server offers no encryption (STARTTLS), and it is not on this machine")}
}

// login logs in, by PLAIN, or by LOGIN if the server offers only that.
func (e Email) login(client *smtp.Client, host string) error {
	if e.User == "" {
		return nil
	}
	_, mechanisms := client.Extension("AUTH")
	auth := smtp.PlainAuth("", e.User, e.Password, host)
	offers := strings.Fields(strings.ToUpper(mechanisms))
	if !slices.Contains(offers, "PLAIN") && slices.Contains(offers, "LOGIN") {
		auth = &loginAuth{user: e.User, password: e.Password}
	}
	if err := client.Auth(auth); err != nil {
		if code, ok := errors.AsType[*textproto.Error](err); ok {
			// What a server says of a login may repeat it.
			return &textproto.Error{Code: code.Code, Msg: "the mail server refuses the login"}
		}
		return fmt.Errorf("the login at the mail server failed: %w", err)
	}
	return nil
}

// loginAuth is the LOGIN mechanism: user and password, asked for one by one.
type loginAuth struct {
	user, password string
	asked          int
}

// Start implements [smtp.Auth].
func (l *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !net.ParseIP(server.Name).IsLoopback() && server.Name != "localhost" {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

// Next implements [smtp.Auth].
func (l *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, errors.New("the server asks for more than user and password")
}

// compose makes the message with its headers. Text of m cannot become a header.
func (e Email) compose(m Notification) []byte {
	_, domain, _ := strings.Cut(e.From, "@")
	thread := "<" + text.OneLine(m.Thread) + "@" + domain + ">"
	var b bytes.Buffer
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, text.OneLine(value)) }
	line("From", "Evergreen <"+e.From+">")
	line("To", strings.Join(e.To, ", "))
	line("Subject", mime.QEncoding.Encode("utf-8", text.OneLine(m.Title)))
	line("Date", m.At.Format(time.RFC1123Z))
	line("Message-ID", fmt.Sprintf("<%s.%s.%d@%s>", text.OneLine(m.Thread), m.Kind, m.At.UnixNano(), domain))
	if m.Thread != "" {
		line("References", thread)
	}
	line("Auto-Submitted", "auto-generated")
	line("MIME-Version", "1.0")
	line("Content-Type", "text/plain; charset=utf-8")
	line("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(m.Body() + "\n"))
	_ = w.Close()
	return b.Bytes()
}
