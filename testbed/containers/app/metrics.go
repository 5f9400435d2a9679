// Metrics as any service behind Sluice would have them: every series says which release it is.
package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	open     prometheus.Gauge
}

func newMetrics(app string, label string) *metrics {
	labels := prometheus.Labels{"app": app, "release": label}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name:        "http_requests_total",
			Help:        "Requests answered, by code, method and path.",
			ConstLabels: labels,
		}, []string{"code", "method", "path"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:        "http_request_duration_seconds",
			Help:        "Time to answer a request.",
			ConstLabels: labels,
			Buckets:     []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5},
		}, []string{"method", "path"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name:        "http_requests_in_flight",
			Help:        "Requests that have no answer yet.",
			ConstLabels: labels,
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.open)
	// Both codes exist from the start: a rate over a series that does not exist yet would be "no data", not zero.
	for _, code := range []string{"200", "500"} {
		m.requests.WithLabelValues(code, "GET", "/")
	}
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) served(method string, path string, code int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(code), method, path).Inc()
	m.seconds.WithLabelValues(method, path).Observe(took.Seconds())
}
