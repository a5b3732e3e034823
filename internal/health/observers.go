package health

import "evergreen/gateway"

// Observers hands each observation to several observers, one after another,
// so that a tracker, a narrator and whatever else can watch one shard.
type Observers []gateway.Observer

// Observe calls every observer in order.
func (o Observers) Observe(n gateway.Observation) {
	for _, each := range o {
		each.Observe(n)
	}
}
