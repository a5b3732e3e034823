package world_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"evergreen/internal/sidecar/world"
)

// BenchmarkGuild measures guilds of three sizes: pack takes a GUILD_CREATE in, unpack reads
// it unchanged, patched reads it with as many patches as it may have, and heap is what one
// guild keeps.
func BenchmarkGuild(b *testing.B) {
	for _, s := range sizes {
		create := madeUp(b, s, 1)
		w := world.New(world.Options{})
		apply(b, w, "GUILD_CREATE", string(create))
		b.Run(s.name+"/pack", func(b *testing.B) {
			for b.Loop() {
				apply(b, w, "GUILD_CREATE", string(create))
			}
			b.ReportMetric(float64(len(create)), "raw-B")
		})
		b.Run(s.name+"/unpack", func(b *testing.B) {
			for b.Loop() {
				snapshot(b, w, guildID)
			}
		})
		b.Run(s.name+"/patched", func(b *testing.B) {
			for i := 0; i < len(create)/4-300; i += 120 {
				apply(b, w, "CHANNEL_UPDATE", fmt.Sprintf(`{"id":"%d","guild_id":"%d","type":0,"name":"general","topic":"what we read this week, and why"}`, i+1, guildID))
			}
			for b.Loop() {
				snapshot(b, w, guildID)
			}
		})
		b.Run(s.name+"/heap", func(b *testing.B) {
			const guilds = 200
			many := w.Clone() // what is needed to pack and unpack is there
			before := heap()
			for i := range uint64(guilds) {
				create := strings.Replace(string(madeUp(b, s, i)), text(guildID), text(i+1), 1)
				apply(b, many, "GUILD_CREATE", create)
			}
			held := heap() - before
			for b.Loop() {
				many.Size()
			}
			b.ReportMetric(float64(held)/guilds, "heap-B")
			b.ReportMetric(float64(many.Size()-w.Size())/guilds, "size-B")
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
