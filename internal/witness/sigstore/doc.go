// Package sigstore holds tests that ask sigstore's own library, sigstore-go,
// about the bundles that package verify/bundle judges. It is a module of its
// own, so that nothing of it reaches the product.
package sigstore
