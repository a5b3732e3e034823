package discordsim

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestContentType sends one message with every content type there is: the
// three good ones are read, all others are refused as a form error.
//
// Statements: S-083.
func TestContentType(t *testing.T) {
	withREST(t, Config{REST: RESTConfig{limits: map[string]rateLimit{"message-write": {Requests: -1}}}}, func(t *testing.T, w *restHarness) {
		send := func(kind, body string) apiResponse {
			return w.send(apiRequest{
				method: "POST", path: "/api/v10" + w.messagesPath(), body: body, token: "Bot " + w.app.Token,
				header: map[string]string{"Content-Type": kind},
			})
		}
		object := `{"content":"hello","tts":false}`
		parts := strings.ReplaceAll("--xx\nContent-Disposition: form-data; name=\"payload_json\"\n\n"+object+
			"\n--xx\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.txt\"\nContent-Type: text/plain\n\nabc\n--xx--\n", "\n", "\r\n")
		for _, kind := range []string{"", "text/plain", "application/xml", "json", "application/json-ish", "multipart/form-data"} {
			send(kind, object).hasFormError("", "CONTENT_TYPE_INVALID")
		}
		for kind, body := range map[string]string{
			"application/json": object, "application/json; charset=utf-8": object,
			"application/x-www-form-urlencoded": "content=hello&tts=false", "multipart/form-data; boundary=xx": parts,
		} {
			got := send(kind, body).hasStatus(200, 0)
			if content := got.object()["content"]; content != "hello" {
				t.Errorf("%s: content is %v", kind, content)
			}
			files := asList(got.object()["attachments"])
			if want := strings.Count(body, "filename"); len(files) != want {
				t.Errorf("%s: %d attachments instead of %d", kind, len(files), want)
			} else if want == 1 && (asObject(files[0])["filename"] != "a.txt" || asObject(files[0])["size"] != 3.0) {
				t.Errorf("the attachment is %v", files[0])
			}
		}
		send("application/json", "hello").hasStatus(400, 50109)
		send("multipart/form-data; boundary=xx", "--xx\r\nnonsense").hasStatus(400, 50109)
		if got := len(w.Messages(w.channel)); got != 4 {
			t.Errorf("%d messages were made instead of 4", got)
		}
	})
}

// TestLargeBody sends more than Discord takes: a whole request, and one file of
// it. With the limits off both go through.
func TestLargeBody(t *testing.T) {
	file := strings.ReplaceAll("--xx\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a\"\n\n"+strings.Repeat("y", 600)+"\n--xx--\n", "\n", "\r\n")
	for _, c := range []struct {
		limit, fileLimit int64
		plain, withFile  int
	}{{400, 0, 413, 413}, {2000, 500, 200, 413}, {-1, -1, 200, 200}} {
		withREST(t, Config{REST: RESTConfig{BodyLimit: c.limit, FileLimit: c.fileLimit}}, func(t *testing.T, w *restHarness) {
			if got := w.say(strings.Repeat("x", 500)); got.status != c.plain {
				t.Errorf("limit %d: status %d instead of %d", c.limit, got.status, c.plain)
			} else if got.status == http.StatusRequestEntityTooLarge {
				got.hasStatus(413, 40005)
			}
			got := w.send(apiRequest{
				method: "POST", path: "/api/v10" + w.messagesPath(), body: file, token: "Bot " + w.app.Token,
				header: map[string]string{"Content-Type": "multipart/form-data; boundary=xx"},
			})
			if got.status != c.withFile {
				t.Errorf("limits %d and %d: status %d instead of %d", c.limit, c.fileLimit, got.status, c.withFile)
			}
		})
	}
}

// TestUnusedConnectionStays dials and says nothing for a minute, as HTTP clients
// do that dial one connection more than they need: the first request on it is
// answered.
func TestUnusedConnectionStays(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		conn, err := w.DialContext(t.Context(), "tcp", "discord.sim:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		time.Sleep(time.Minute)
		if _, err := conn.Write([]byte("GET /api/v10/gateway HTTP/1.1\r\nHost: discord.sim\r\nUser-Agent: DiscordBot (https://example.com, 1)\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("status %d", answer.StatusCode)
		}
	})
}
