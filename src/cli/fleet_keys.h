/*
 * Keys and certificates of a fleet: ECDSA on P-256, X.509, as PEM. Who signs is an
 * authority of the fleet's own; there are two, since who may speak as a node is not
 * who may speak as a server to the others.
 */
#pragma once

#include <gnutls/x509.h>
#include <time.h>

#include "base/err.h"

/* An authority. All 0 is none. */
struct fleet_ca {
	gnutls_x509_crt_t cert;
	gnutls_x509_privkey_t key;
};

/* What a certificate is for. */
enum fleet_use {
	FLEET_USE_NODE,	  /* shows itself as a client */
	FLEET_USE_SERVER, /* is shown to clients */
	FLEET_USE_ROUTE,  /* both: one server to another */
};

/* PEM, each owned; NULL before they are made. */
struct fleet_pair {
	char *cert, *key;
};

/* A new authority, and it as PEM. */
int fleet_ca_make(struct fleet_ca *ca, const char *fleet, const char *name,
		  struct fleet_pair *ret, struct err *reterr);
/* One that was made before; -EINVAL, also when key and certificate do not match. */
int fleet_ca_load(struct fleet_ca *ca, const char *cert, const char *key,
		  struct err *reterr);
/* The same, of dir/NAME.crt and dir/NAME.key. -ENOENT and the like, too. */
int fleet_ca_read(struct fleet_ca *ca, const char *dir, const char *name,
		  struct err *reterr);
/* When it ends itself. */
time_t fleet_ca_end(const struct fleet_ca *ca);
/* Its certificate, PEM; the caller's. NULL: out of memory. */
char *fleet_ca_text(const struct fleet_ca *ca);
void fleet_ca_done(struct fleet_ca *ca);

/*
 * A key, and a certificate for it: CN=name, O=fleet, and `host`, a DNS name or an
 * address, as its subjectAltName. It holds from an hour ago, for clocks that are
 * late, and `days`, at most as long as the authority's.
 */
int fleet_pair_make(const struct fleet_ca *ca, enum fleet_use use,
		    const char *fleet, const char *name, const char *host,
		    unsigned days, struct fleet_pair *ret, struct err *reterr);
/* Wipes the key. */
void fleet_pair_done(struct fleet_pair *p);
