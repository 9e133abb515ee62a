/*
 * Names in certificates (X.509, RFC 5280): whose, by whom, for which hosts.
 * Nothing is checked but that lengths fit; no signature, no date.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* Borrows from the certificate. */
struct x509 {
	struct bytes issuer, subject; /* for x509_put_name() */
	struct bytes names;	      /* for x509_next_dns_name() */
};

/* false: it is none; *ret is of no use. */
bool x509_read(struct bytes certificate, struct x509 *ret);

/*
 * Appends "C=DE, O=Example, CN=a.example", in the certificate's order; bytes of
 * values as they are, BMPString and UniversalString as UTF-8. What is broken
 * ends it. out->full: not all had room.
 */
void x509_put_name(struct bytes name, struct outbytes *out);

/* Takes the next DNS name of x509.names; false: that was the last. */
bool x509_next_dns_name(struct bytes *names, struct bytes *ret);
