package health

import "evergreen/gateway"

// Observers passes each observation to several observers, in order.
type Observers []gateway.Observer

// Observe calls each observer.
func (o Observers) Observe(n gateway.Observation) {
	for _, each := range o {
		each.Observe(n)
	}
}
