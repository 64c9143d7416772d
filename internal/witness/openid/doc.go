// Package openid holds the gateway's sign-in against a whole OpenID provider,
// that of zitadel/oidc, which is certified by the OpenID Foundation. It is a
// module of its own, so that what the provider needs stays out of repro's.
package openid
