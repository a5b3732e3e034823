package demo

import (
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestZZ(t *testing.T) {
	f, _ := os.Create("/tmp/zz.log")
	defer f.Close()
	synctest.Test(t, func(t *testing.T) {
		s, err := Run(t.Context(), t.Context(), Options{For: 5 * time.Minute, Seed: 1, Screen: NewPlain(f), Logger: slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		t.Log(err, s.Failures)
		t.Logf("%+v", dbg.app.Bot().Counts())
		t.Logf("%+v", dbg.app.Shard().Stats())
		t.Logf("%+v", dbg.app.REST())
	})
}
