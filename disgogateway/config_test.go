package disgogateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
)

// Given options of this package and of disgo's, then the nearer one counts: what Options
// says, what disgo's options say, what the bot has, the default.
func TestTheNearerOptionCounts(t *testing.T) {
	own := gateway.FixedURL("wss://own")
	known := newGatewayBot(&fakeRest{})
	for name, test := range map[string]struct {
		options Options
		src     source
		opts    []disgo.ConfigOpt
		want    gateway.URLSource
	}{
		"nothing is known":  {want: gateway.FixedURL(disgo.URL)},
		"disgo's address":   {src: source{gatewayBot: known}, opts: []disgo.ConfigOpt{disgo.WithURL("wss://disgo")}, want: gateway.FixedURL("wss://disgo")},
		"the bot is asked":  {src: source{gatewayBot: known}, want: known},
		"of the options":    {options: Options{URLSource: own}, src: source{gatewayBot: known}, opts: []disgo.ConfigOpt{disgo.WithURL("wss://disgo")}, want: own},
		"without any other": {options: Options{URLSource: own}, want: own},
	} {
		if got := test.options.config(test.src, test.opts).options.URLSource; got != test.want {
			t.Errorf("%s: the address comes from %v", name, got)
		}
	}

	// Each shard of a manager asks over the same REST client, and remembers the same answer.
	if got := (Options{}).config(source{gatewayBot: known, rest: &fakeRest{}}, nil).options.URLSource; got != gateway.URLSource(known) {
		t.Error("a shard does not share what its manager has asked")
	}
	if got, ok := (Options{}).config(source{rest: &fakeRest{}}, nil).options.URLSource.(*gatewayBot); !ok || got == nil {
		t.Errorf("a bot with REST asks %v", got)
	}

	if got := (Options{}).config(source{}, nil).options.CredentialChecker; got != nil {
		t.Errorf("without REST the credentials are checked by %v", got)
	}
	if got := (Options{}).config(source{gatewayBot: known}, nil).options.CredentialChecker; got != gateway.CredentialChecker(known) {
		t.Errorf("with REST the credentials are checked by %v", got)
	}
	other := newGatewayBot(&fakeRest{})
	if got := (Options{CredentialChecker: other}).config(source{gatewayBot: known}, nil).options.CredentialChecker; got != gateway.CredentialChecker(other) {
		t.Errorf("the options' checker gives way to %v", got)
	}

	var mine, shared, log simtest.Log
	if (Options{}).config(source{log: shared.Logger()}, nil).log.Info("to the bot's"); !shared.Has("to the bot's") || !shared.Has("shard_count=1") {
		t.Errorf("the bot's log has %q", shared.String())
	}
	if (Options{}).config(source{log: shared.Logger()}, []disgo.ConfigOpt{disgo.WithLogger(mine.Logger())}).log.Info("to its own"); !mine.Has("to its own") {
		t.Error("the log of disgo's option is not used")
	}
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(log.Logger())
	if (Options{}).config(source{}, nil).log.Info("to the default"); !log.Has("to the default") {
		t.Error("the default log is not used")
	}
}

// Given identify limiters of the options, the manager and disgo, then the first of these
// decides; without one there is a limiter with a budget in memory.
func TestTheNearerIdentifyLimiterCounts(t *testing.T) {
	own, managers, disgos := identify.New(identify.Options{}), identify.New(identify.Options{}), disgo.NewNoopIdentifyRateLimiter()
	for name, test := range map[string]struct {
		options Options
		src     source
		disgos  disgo.IdentifyRateLimiter
		want    gateway.IdentifyLimiter
	}{
		"of the options":     {Options{IdentifyLimiter: own}, source{limiter: managers}, disgos, own},
		"of the manager":     {Options{}, source{limiter: managers}, disgos, managers},
		"disgo's":            {Options{}, source{}, disgos, disgoLimiter{disgos}},
		"one of this module": {Options{}, source{}, nil, nil},
	} {
		got := test.options.identifyLimiter(test.src, test.disgos)
		if _, ours := got.(*identify.Limiter); test.want == nil && !ours || test.want != nil && got != test.want {
			t.Errorf("%s: %T", name, got)
		}
	}
}

// Given disgo's options of a session, then it is resumed if it is one, at its own address
// or else at that of the gateway.
func TestASessionOfTheOptionsNeedsIDAndSequence(t *testing.T) {
	id, seq, address, empty := "s", 7, "wss://resume", ""
	for name, test := range map[string]struct {
		id        *string
		seq       *int
		resumeURL *string
		want      gateway.Session
	}{
		"nothing":          {},
		"no sequence":      {id: &id, resumeURL: &address},
		"no id":            {seq: &seq, resumeURL: &address},
		"no address":       {id: &id, seq: &seq, want: gateway.Session{ID: "s", Seq: 7, ResumeURL: "wss://base"}},
		"an empty address": {id: &id, seq: &seq, resumeURL: &empty, want: gateway.Session{ID: "s", Seq: 7, ResumeURL: "wss://base"}},
		"all":              {&id, &seq, &address, gateway.Session{ID: "s", Seq: 7, ResumeURL: "wss://resume"}},
	} {
		if got := sessionOf(test.id, test.seq, test.resumeURL, "wss://base"); got != test.want {
			t.Errorf("%s: %+v", name, got)
		}
	}

	kept := &simtest.Sessions{}
	kept.SessionStore(gateway.ShardID{}).Save(gateway.Session{ID: "kept", ResumeURL: "wss://kept", Seq: 3})
	opts := []disgo.ConfigOpt{disgo.WithSessionID(id), disgo.WithSequence(seq)}
	if got := (Options{Sessions: kept}).config(source{}, opts).options.Session; got.ID != "s" {
		t.Errorf("the session of the options gives way to %+v", got)
	}
	if got := (Options{Sessions: kept}).config(source{}, nil).options.Session; got.ID != "kept" {
		t.Errorf("the session that was kept gives way to %+v", got)
	}
}

// Given a dialer of disgo's, then connections are made as it says; one of the options
// comes first, and disgo's default one says nothing.
func TestDisgosDialerIsFollowed(t *testing.T) {
	proxied := &url.URL{Scheme: "http", Host: "proxy"}
	failed := errors.New("by its own way")
	dialer := &websocket.Dialer{
		Proxy:          http.ProxyURL(proxied),
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return nil, failed },
	}
	with := func(o Options, d *websocket.Dialer) gateway.Dialer {
		return o.config(source{}, []disgo.ConfigOpt{disgo.WithDialer(d)}).options.Dialer
	}
	if got := with(Options{}, websocket.DefaultDialer); got != nil {
		t.Errorf("disgo's default dialer is followed: %v", got)
	}
	if got := with(Options{}, nil); got != nil {
		t.Errorf("no dialer is followed: %v", got)
	}
	own := gateway.WebSocketDialer{UserAgent: "own"}
	if got, ok := with(Options{Dialer: own}, dialer).(gateway.WebSocketDialer); !ok || got.UserAgent != "own" {
		t.Error("the dialer of the options gives way")
	}
	got, ok := with(Options{}, dialer).(gateway.WebSocketDialer)
	if !ok {
		t.Fatal("disgo's dialer is not followed")
	}
	transport := got.Transport.(*http.Transport)
	if _, err := transport.DialContext(t.Context(), "tcp", "discord.sim:443"); !errors.Is(err, failed) {
		t.Errorf("connected otherwise: %v", err)
	}
	if by, err := transport.Proxy(&http.Request{URL: &url.URL{Host: "discord.sim"}}); by != proxied || err != nil {
		t.Errorf("the proxy is %v, %v", by, err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := with(Options{}, &websocket.Dialer{}).(gateway.WebSocketDialer).Transport.(*http.Transport)
	if _, err := plain.DialContext(t.Context(), "tcp", closed.Addr().String()); err == nil {
		t.Error("a closed port answered")
	}
}

// Given a bot that is not complete yet, then its gateway and its shards cannot be opened,
// and say why.
func TestABotThatIsNotCompleteCannotBeOpened(t *testing.T) {
	var opts []bot.ConfigOpt
	c := newConfig(opts)
	for _, opt := range append(opts, WithGateway("token"), WithShardManager("token")) {
		opt(c)
	}
	if err := c.Gateway.Open(t.Context()); !errors.Is(err, errNoEventManager) {
		t.Errorf("the gateway: %v", err)
	}
	m := c.ShardManager.(*ShardManager)
	if err := m.OpenShard(t.Context(), 0); !errors.Is(err, errNoEventManager) {
		t.Errorf("the shard: %v", err)
	}
	if got := m.ShardByGuildID(1); got != nil {
		t.Errorf("there is a shard: %v", got)
	}
	m.Open(t.Context())
	for g := range m.Shards() {
		t.Errorf("there is shard %d", g.ShardID())
	}
}

// Given a reason for which a shard was refused, then what is told names what has happened
// and what a person has to do.
func TestARefusalNamesItsRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		reason gateway.Reason
		want   gateway.CloseCode
	}{
		"by its code":      {gateway.Reason{Code: gateway.CloseDisallowedIntents}, gateway.CloseDisallowedIntents},
		"a refused token":  {gateway.Reason{Err: gateway.ErrUnauthorized}, gateway.CloseAuthFailed},
		"without a remedy": {gateway.Reason{Code: 4000}, 4000},
	} {
		got := remedy(test.reason)
		want := strings.TrimSuffix(test.want.Meaning()+". "+test.want.Remedy(), ". ")
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
