package bundle_test

import (
	"strings"
	"testing"

	"repro/verify/bundle/bundletest"
)

// conformance lists the cases for verification of sigstore's conformance suite
// (sigstore/sigstore-conformance, test/assets/bundle-verify): which case of
// ours, or of the attestation vectors, is the same, or why none is. The suite's
// own files are not kept here, so that names may lag behind the suite's.
var conformance = []struct {
	theirs, ours string
	why          string // not applicable, or told apart elsewhere
}{
	{theirs: "happy-path", ours: "bare signature, log 1"},
	{theirs: "happy-path-intoto-in-dsse-v3", ours: "envelope, log 1"},
	{theirs: "intoto-tsa-timestamp-outside-bounds_fail", ours: "stamped after the certificate"},
	{theirs: "rekor2-happy-path", ours: "bare signature, log 2"},
	{theirs: "rekor2-dsse-happy-path", ours: "envelope, log 2"},
	{theirs: "rekor2-dsse-invalid-sig_fail", ours: "signature altered, log 2"},
	{theirs: "rekor2-dsse-mismatch-envelope_fail", ours: "entry of another digest, log 2"},
	{theirs: "rekor2-dsse-mismatch-sig_fail", ours: "entry of another signature, log 2"},
	{theirs: "rekor2-no-timestamp_fail", ours: "no time at all, log 2"},
	{theirs: "rekor2-timestamp-untrusted_fail", ours: "stamped by a stranger"},
	{theirs: "rekor2-timestamp-with-embedded-cert", ours: "envelope, log 2"},
	{theirs: "rekor2-timestamp-outside-trust-root-tsa-validity_fail", ours: "stamped when the root did not trust the authority"},
	{theirs: "rekor2-timestamp-wrong-tsa-validity-borrow_fail", ours: "stamped a second later, when another is trusted"},
	{theirs: "rekor2-timestamp-with-incorrect-time_fail", ours: "stamped before the certificate"},
	{theirs: "rekor2-multiple-timestamps-one-outside-cert-validity_fail", ours: "stamped in time and after the certificate"},
	{theirs: "rekor2-timestamp-mismatch_fail", ours: "stamp of another signature"},
	{theirs: "rekor2-checkpoint-origin-not-match_fail", ours: "checkpoint signed by another log, log 2"},
	{theirs: "rekor2-inclusion-proof-invalid_fail", ours: "proof altered, log 2"},
	{theirs: "cve-2022-36056-swapped-tlog-entry_fail", ours: "entry of another signing, log 1"},
	{theirs: "checkpoint-bad-keyhint_fail", ours: "log that nobody named, log 1"},
	{theirs: "checkpoint-invalid-signature_fail", ours: "checkpoint signed by another log, log 1"},
	{theirs: "checkpoint-wrong-roothash_fail", ours: "checkpoint of another tree of the log, log 1"},
	{theirs: "invalid-ct-key_fail", ours: "promise of another log, log 1"},
	{theirs: "invalid-sct_fail", ours: "promise altered, log 1"},
	{theirs: "missing-sct_fail", ours: "certificate without promise, log 1"},
	{theirs: "sct-duplicate-intermediate-name", ours: "two that certify by one name"},
	{theirs: "invalid-inclusion-proof_fail", ours: "proof altered, log 1"},
	{theirs: "missing-inclusion-proof_fail", ours: "proof cut, log 1"},
	{theirs: "invalid-set_fail", ours: "promise of the log altered"},
	{theirs: "invalid-signature_fail", ours: "signature altered, log 1"},
	{theirs: "message-digest-mismatch_fail", ours: "bare signature, digest altered"},
	{theirs: "dsse-mismatch-sig_fail", ours: "entry of another signature, log 1"},
	{theirs: "dsse-invalid-sig_fail", ours: "signature altered, log 1"},
	{theirs: "dsse-mismatch-envelope_fail", ours: "entry of another payload digest, log 1"},
	{theirs: "dsse-with-hashedrekord-happy-path", ours: "envelope as what it signs, log 1"},
	{theirs: "dsse-with-hashedrekord-mismatch-envelope_fail", ours: "entry of another envelope, as what it signs"},
	{theirs: "dsse-with-hashedrekord-mismatch-sig_fail", ours: "entry of another signature, log 1"},
	{theirs: "dsse-with-hashedrekord-invalid-sig_fail", ours: "signature altered, log 1"},
	{theirs: "wrong-identity_fail", ours: "another person"},
	{theirs: "wrong-issuer_fail", ours: "another provider"},
	{theirs: "trust-root-tsa-validity-end-inclusive", ours: "stamped in the last second of trust"},
	{theirs: "trust-root-tlog-validity-end-inclusive", ours: "logged in the last second of trust"},
	{theirs: "trust-root-tlog-missing-validity-start_fail", why: "TestParseRoot: such a root is refused as a whole"},
	{theirs: "dsse-statement-missing-type_fail", why: "ATT-1: a bundle says nothing of its payload; the attestation vectors refuse it"},
	{theirs: "dsse-statement-unknown-type_fail", why: "ATT-1: as before"},
	{theirs: "dsse-with-multiple-signatures_fail", why: "BDL-5: TestParse of format/bundle: exactly one signature"},
	{theirs: "has_root_in_chain_fail", why: "BDL-5: chains in bundles are refused, whatever is in them"},
	{theirs: "managed-key-happy-path", why: "TestKeys: bundles by keys that the caller names"},
	{theirs: "managed-key-and-trusted-root", why: "TestKeys"},
	{theirs: "managed-key-no-key_fail", why: "TestKeys: nobody is trusted unnamed"},
	{theirs: "managed-key-and-client-identity_fail", why: "is about the command line of a client: both may be given to repro, and either vouches"},
	{theirs: "intoto-canonical-log-entry", why: "entries of kind intoto are not supported (KLS-6): Rekor has replaced them by dsse in 2023"},
	{theirs: "intoto-in-dsse-v0.1 to v0.2", why: "bundles before version 0.3 are not read (BDL-1)"},
	{theirs: "a.txt.staging", ours: "all by a stranger"},
}

// TestConformance: every case of the suite that applies is among ours, and ends
// as the suite wants it; the others have a reason.
func TestConformance(t *testing.T) {
	own := map[string]bool{}
	s := bundletest.New("log.example", start, start.AddDate(10, 0, 0))
	for _, c := range bundletest.Cases(s, at) {
		_, err := verify(t, &c)
		own[c.Name] = err == nil
	}
	for _, c := range conformance {
		if (c.ours == "") == (c.why == "") {
			t.Errorf("%s: want a case or a reason", c.theirs)
		}
		if c.ours == "" {
			continue
		}
		passes, known := own[c.ours]
		fails := strings.HasSuffix(c.theirs, "_fail") || c.theirs == "a.txt.staging"
		if !known || passes == fails {
			t.Errorf("%s: %q is known: %v, passes: %v", c.theirs, c.ours, known, passes)
		}
	}
}
