package discordsim_test

import (
	"fmt"
	"net/http"
	"strings"

	"evergreen/discordsim"
)

// A Discord of one's own, in memory: a guild, somebody in it, and a bot, which
// here is a single REST call. examples/tested is a whole bot in a test, with
// virtual time.
func Example() {
	sim := discordsim.New(discordsim.Config{Seed: 1})
	defer sim.Close()
	guild := sim.AddGuild("library", "general")
	app := sim.AddApp(discordsim.AppConfig{Name: "librarian", Guilds: []*discordsim.Guild{guild}})
	transport := sim.Transport()
	defer transport.CloseIdleConnections()

	request, err := http.NewRequest("POST", fmt.Sprintf("%s/channels/%d/messages", sim.APIURL(), guild.Channels[0].ID), strings.NewReader(`{"content":"We are open."}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Authorization", "Bot "+app.Token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "librarian") // not what Discord demands
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = answer.Body.Close()

	fmt.Println(answer.Status)
	for _, m := range sim.Messages(guild.Channels[0].ID) {
		fmt.Printf("%s: %s\n", m.Author.Username, m.Content)
	}
	for _, v := range sim.Verdict(app).Violations {
		fmt.Println(v.Statement, v.What)
	}
	// Output:
	// 200 OK
	// librarian: We are open.
	// G-125 POST /channels/{channel}/messages came with User-Agent "librarian" instead of DiscordBot (<url>, <version>)
}

// Something goes wrong: the next request is answered 503, the one after is not.
func ExampleSim_Inject() {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	app := sim.AddApp(discordsim.AppConfig{})
	transport := sim.Transport()
	defer transport.CloseIdleConnections()
	if _, err := sim.Inject(discordsim.Fault{Name: "rest-5xx", Code: 503, Count: 1}); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		request, err := http.NewRequest("GET", sim.APIURL()+"/gateway/bot", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		request.Header.Set("Authorization", "Bot "+app.Token)
		answer, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = answer.Body.Close()
		fmt.Println(answer.Status)
	}
	// Output:
	// 503 Service Unavailable
	// 200 OK
}
