package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"evergreen/gateway"
	"evergreen/internal/bot"
)

// greet is a command: one small file like this, and one line in the table.
var greet = bot.Command{
	Name:       "greet",
	Summary:    "Greets somebody",
	Parameters: []bot.Parameter{{Name: "whom", Summary: "The person to greet", Required: true}},
	Run: func(_ context.Context, r *bot.Request) (bot.Answer, error) {
		return bot.Answer{Text: "Hello " + r.Argument("whom") + "!"}, nil
	},
}

// Example adds a command to those the bot comes with. It works by prefix and as
// a slash command, is listed by help, and is answered exactly once.
func Example() {
	b, err := bot.New(bot.Options{
		Token:      "token",
		HTTPClient: &http.Client{Transport: discord{}},
		Commands:   append(bot.Builtin(), greet),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	b.HandleEvent(ctx, gateway.Event{Type: "MESSAGE_CREATE", Data: []byte(
		`{"id":"1203000000000000007","channel_id":"5","author":{"id":"9","username":"mai"},"content":"!greet the world"}`,
	)})
	_ = b.Stop(ctx) // lets the answer stand
	// Output:
	// POST /api/v10/channels/5/messages: Hello the world!
}

// discord stands for Discord: it prints what it is told.
type discord struct{}

func (discord) RoundTrip(r *http.Request) (*http.Response, error) {
	var message struct{ Content string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		return nil, err
	}
	fmt.Printf("%s %s: %s\n", r.Method, r.URL.Path, message.Content)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}
