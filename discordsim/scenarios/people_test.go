package scenarios_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
	"evergreen/internal/simtest"
)

// playShop plays a scenario to the shop's bot.
func playShop(t *testing.T, text string) (out *scenario.Outcome, heard map[string]int) {
	t.Helper()
	sc, err := scenario.Read("shop.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(sc.Rules())
		defer sim.Close()
		app := sc.Populate(sim, discordsim.AppConfig{Name: "shop"})
		shop := simtest.RunShop(t, sim, app)
		defer shop.Stop()
		if out, err = sc.Run(t.Context(), sim, app); err != nil {
			t.Fatal(err)
		}
		heard = shop.Heard()
	})
	return out, heard
}

// Given a bot with everything that people can press, when a scenario has people do all
// they can, then each step is done and answered as it says, and the bot hears of each.
//
// Statements: S-101.
func TestScenarioPeopleDoAllTheyCan(t *testing.T) {
	out, heard := playShop(t, `
name: shop
says: People order tea.
world: {people: 4, voice_channels: 1}
steps:
  - {at: 10s, complete: order tea, options: {kind: gr}, focused: kind, contains: Green tea}
  - {after: 1s, use: order tea, options: {kind: green}, as: 2, in: room-1, answer: message, contains: order tea green}
  - {after: 1s, choose: "How large?", values: [Large], answer: update, contains: Size l}
  - {after: 1s, use: order tea, options: {kind: black}, as: 2, in: room-1}
  - {after: 1s, press: Pay, answer: modal, contains: Street}
  - {after: 1s, submit: {street: Elm Street 1}, answer: message, contains: "Thank you: Elm Street 1"}
  - {after: 1s, use: order for, options: {friend: person-3}, as: person-1, in: 2}
  - {after: 1s, use: Wave, target: person-3, as: person-1, contains: Wave at}
  - {after: 1s, use: Quote, target: last, contains: Quote at}
  - {after: 1s, say: "!poll", as: 1, in: room-1}
  - {after: 1s, vote: 2}
  - {after: 1s, unvote: 2}
  - {after: 1s, react: "🍵", as: 3}
  - {after: 1s, unreact: "🍵"}
  - {after: 1s, say: "!invite", as: 1, in: room-1, contains: discord.gg}
  - {after: 1s, invite: eve, in: room-1}
  - {after: 1s, dm: "!ping", as: eve, contains: pong}
  - {after: 1s, join: adam}
  - {after: 1s, type: true, as: adam, in: room-2}
  - {after: 1s, say: hello, chatter: true, as: adam, in: room-2}
  - {after: 1s, edit: hello again}
  - {after: 1s, thread: tea time, on: own}
  - {after: 1s, say: "!ping", in: tea time, as: adam, contains: pong}
  - {after: 1s, delete: own, in: room-2}
  - {after: 1s, join_voice: voice-1, as: adam}
  - {after: 1s, leave_voice: true}
  - {after: 1s, leave: adam}
  - {after: 10s, end: true}
expect: {answered: 13}
`)
	for _, what := range out.Broken() {
		t.Error(what)
	}
	for event, want := range map[string]int{
		"INTERACTION_CREATE": 9, "MESSAGE_POLL_VOTE_ADD": 1, "MESSAGE_POLL_VOTE_REMOVE": 1, "MESSAGE_REACTION_ADD": 1, "MESSAGE_REACTION_REMOVE": 1,
		"GUILD_MEMBER_ADD": 2, "GUILD_MEMBER_REMOVE": 1, "TYPING_START": 1, "THREAD_CREATE": 2, // again when it is added, by its answer in it
		"MESSAGE_DELETE": 1, "VOICE_STATE_UPDATE": 2,
	} {
		if heard[event] != want {
			t.Errorf("the bot has heard of %d %s, want %d", heard[event], event, want)
		}
	}
	if t.Failed() {
		for _, m := range out.Diary {
			t.Log(m)
		}
	}
}

// Given a bot that leaves a press and a command unanswered, or answers otherwise than is
// said, when a scenario is played, then the outcome names line and reason, and what stayed
// unanswered is lost as with any command; what a person waits for a moment is waited for.
func TestScenarioPeopleAreNotAnswered(t *testing.T) {
	out, _ := playShop(t, `
name: shop
says: People order tea.
config: {answer_grace: 5s}
steps:
  - {at: 10s, use: order tea, options: {kind: green}, as: 1, in: room-1, answer: modal}
  - {after: 10s, press: Ignore}
  - {after: 10s, press: Sell}
  - {after: 10s, use: silent}
  - {after: 10s, use: nothing}
  - {after: 10s, submit: {street: x}}
  - {after: 10s, press: Pay, in: dm}
  - {at: 2m, press: Pay, as: 2, in: room-2}
  - {at: 2m2s, use: order tea, options: {kind: green}, in: room-2}
  - {after: 1m, end: true}
expect: {undone: 0, ends: any}
`)
	v := out.Bots[0].Verdict
	if v.Asked != 5 || v.Answered != 3 || v.Lost != 2 {
		t.Errorf("%d asked, %d answered, %d lost", v.Asked, v.Answered, v.Lost)
	}
	want := []string{
		`line 6: person-1 uses /order tea: the bot has answered with "message" and not with "modal"`,
		`line 8: the same person presses "Sell": the bot's last message there has no button "Sell", but Pay, Ignore`,
		`line 10: somebody uses /nothing: shop has no slash command "nothing" here; registered are: `,
		`line 11: the same person fills in a modal: the bot has shown this person no modal`,
		`line 12: the same person presses "Pay": there is no message of the bot there`,
	}
	if got := out.Bots[0].Undone; len(got) != len(want) || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("undone:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if broken := strings.Join(out.Broken(), "\n"); !strings.Contains(broken, "5 steps of people could not be done, at most 0 are expected: line 6") {
		t.Errorf("broken: %s", broken)
	}
}
