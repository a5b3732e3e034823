package api

import (
	"bufio"
	"net/http"
	"slices"
	"testing"
	"time"

	"evergreen/gateway"
)

// BenchmarkGatewayBesideClients prints what an observation costs the gateway,
// alone and while fifty clients follow the live stream and metrics are scraped
// without pause. The gateway is told nothing of clients: what they can cost it is
// the time of one [Server.Observe].
//
//	go test -run '^$' -bench BesideClients ./internal/web/api
func BenchmarkGatewayBesideClients(b *testing.B) {
	for name, clients := range map[string]int{"alone": 0, "50-streams-and-scrapes": 50} {
		b.Run(name, func(b *testing.B) {
			o, _ := everything(b)
			s := serve(b, o)
			base := "http://" + s.Addr().String()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			stop := make(chan struct{})
			done := make(chan struct{}, clients+1)
			var open []*http.Response
			for range clients {
				answer, err := client.Get(base + "/api/v1/events")
				if err != nil {
					b.Fatal(err)
				}
				open = append(open, answer)
				go func() {
					for lines := bufio.NewReader(answer.Body); ; {
						if _, err := lines.ReadString('\n'); err != nil {
							done <- struct{}{}
							return
						}
					}
				}()
			}
			if clients > 0 {
				go func() {
					defer func() { done <- struct{}{} }()
					for {
						select {
						case <-stop:
							return
						default:
						}
						if answer, err := client.Get(base + "/metrics"); err == nil {
							_ = answer.Body.Close()
						}
					}
				}()
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				s.Observe(gateway.Observation{At: began, Event: gateway.HeartbeatACK{Latency: 45 * time.Millisecond}})
				took = append(took, time.Since(began))
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
			close(stop)
			for _, answer := range open {
				_ = answer.Body.Close()
			}
			for range cap(done) {
				if clients > 0 {
					<-done
				}
			}
			client.CloseIdleConnections()
		})
	}
}
