package tokenlock

import "testing"

// Given a token that is owned, or was until a moment ago, then a look says so
// and changes nothing.
func TestLookTellsWhoOwnsTheToken(t *testing.T) {
	dir := t.TempDir()
	look := func() *Holder {
		t.Helper()
		h, err := Inspect(dir, FingerprintOf(token))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := look(); h != nil {
		t.Errorf("%v owns a token that nobody has used", h)
	}
	first := start(t, dir)
	if h := look(); h == nil || h.PID != first.cmd.Process.Pid {
		t.Errorf("the owner is %v, want process %d", h, first.cmd.Process.Pid)
	}
	first.kill()
	if h := look(); h != nil {
		t.Errorf("%v is dead and owns the token", h)
	}
	acquire(t, dir, Options{}).Release()
	if h := look(); h != nil {
		t.Errorf("%v has let go and owns the token", h)
	}
}

// Given a visitor, when the bot starts, then the visitor makes way without being
// named in an error; and a visitor never drives out the bot.
func TestVisitorMakesWay(t *testing.T) {
	dir := t.TempDir()
	visitor := acquire(t, dir, Options{Temporary: true})
	serve(t, visitor, func(Holder) { visitor.Release() })
	bot := acquire(t, dir, Options{})
	if bot.TakenFrom() == nil || !bot.TakenFrom().Temporary {
		t.Errorf("the token came from %v, want the visitor", bot.TakenFrom())
	}
	if _, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{Temporary: true, TakeOver: true}); err == nil {
		t.Error("a visitor got the token of a bot")
	}
}
