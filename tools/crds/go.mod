// Custom resource definitions, read out of these modules' archives by testbed/kubernetes/crds.ts.
// No package is imported: `go mod tidy` would empty this file, `go mod download` keeps go.sum.
module sluice.dev/tools/crds

go 1.26.0

require (
	github.com/projectcontour/contour v1.33.8
	istio.io/api v1.30.3
	sigs.k8s.io/gateway-api v1.5.1
)
