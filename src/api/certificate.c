/*
 * What is shown is kept as text, and read again for each handshake: gnutls takes what
 * it is given and frees it, so nothing has to live as long as any handshake that
 * began with it. Reading costs little beside signing.
 *
 * The files are compared by what they say, not by their times: a link that leads
 * elsewhere, a file system without notifications and a key that comes a moment after
 * its certificate are no special cases. The last try's text is remembered as a hash,
 * so one that is not good is told of once, and tried again when it changes.
 */
#include "api/certificate.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "api/pems.h"
#include "base/limits_api.h"
#include "base/log.h"

static struct {
	bool is; /* there is one: TLS */
	pthread_mutex_t lock;
	struct pems now; /* by the lock */
	/* The main thread's: what was tried last, and what was wrong with it. */
	uint64_t tried;
	struct err wrong;
} shown = { .lock = PTHREAD_MUTEX_INITIALIZER };

static gnutls_datum_t datum_of(char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text,
				 (unsigned)strlen(text) };
}

/* What gnutls frees after the handshake. A code of gnutls's. */
static int import(struct pems *p, gnutls_pcert_st **ret_chain, unsigned *ret_n,
		  gnutls_privkey_t *ret_key)
{
	gnutls_datum_t cert = datum_of(p->cert), key = datum_of(p->key);
	gnutls_pcert_st *chain =
		gnutls_calloc(API_CERT_CHAIN_MAX, sizeof *chain);
	unsigned n = API_CERT_CHAIN_MAX;
	gnutls_privkey_t k = NULL;
	int rc = chain ? gnutls_pcert_list_import_x509_raw(
				 chain, &n, &cert, GNUTLS_X509_FMT_PEM, 0)
		       : GNUTLS_E_MEMORY_ERROR;

	if (rc < 0) {
		gnutls_free(chain);
		return rc;
	}
	rc = gnutls_privkey_init(&k);
	if (rc == 0)
		rc = gnutls_privkey_import_x509_raw(
			k, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0) {
		for (unsigned i = 0; i < n; i++)
			gnutls_pcert_deinit(&chain[i]);
		gnutls_free(chain);
		gnutls_privkey_deinit(k);
		return rc;
	}
	*ret_chain = chain;
	*ret_n = n;
	*ret_key = k;
	return 0;
}

int certificate_retrieve(gnutls_session_t session,
			 const struct gnutls_cert_retr_st *asked,
			 gnutls_pcert_st **certs, unsigned *n_certs,
			 gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp,
			 gnutls_privkey_t *key, unsigned *flags)
{
	int rc;

	(void)session;
	(void)asked; /* there is one, whatever name the client says */
	pthread_mutex_lock(&shown.lock);
	rc = import(&shown.now, certs, n_certs, key);
	pthread_mutex_unlock(&shown.lock);
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return rc < 0 ? -1 : 0;
}

/* Do they belong together, and can they be shown? */
static int check(struct pems *p, struct err *reterr)
{
	gnutls_certificate_credentials_t c = NULL;
	gnutls_datum_t cert = datum_of(p->cert), key = datum_of(p->key);
	gnutls_pcert_st *chain;
	gnutls_privkey_t k;
	unsigned n;
	int rc = gnutls_certificate_allocate_credentials(&c);

	if (rc == 0)
		rc = gnutls_certificate_set_x509_key_mem(c, &cert, &key,
							 GNUTLS_X509_FMT_PEM);
	if (c)
		gnutls_certificate_free_credentials(c);
	if (rc >= 0)
		rc = import(p, &chain, &n, &k);
	if (rc < 0)
		return err_set(reterr, EINVAL, "tls", "%s",
			       gnutls_strerror(rc));
	for (unsigned i = 0; i < n; i++)
		gnutls_pcert_deinit(&chain[i]);
	gnutls_free(chain);
	gnutls_privkey_deinit(k);
	return 0;
}

static uint64_t hash_of(const struct pems *p)
{
	return XXH3_64bits(p->cert, strlen(p->cert)) ^
	       XXH3_64bits_withSeed(p->key, strlen(p->key), 1);
}

/* Only the main thread changes it. */
static bool is_shown(const struct pems *p)
{
	return shown.now.cert && strcmp(p->cert, shown.now.cert) == 0 &&
	       strcmp(p->key, shown.now.key) == 0;
}

/* true: it was another than before, and is shown now. */
static bool take(struct err *reterr)
{
	struct pems next, old;
	uint64_t hash;

	if (pems_read(&next, reterr) < 0)
		return false;
	hash = hash_of(&next);
	if (hash == shown.tried)
		*reterr = shown.wrong; /* the same again, also a wrong one */
	if (hash == shown.tried || is_shown(&next) ||
	    check(&next, reterr) < 0) {
		shown.tried = hash;
		pems_done(&next);
		return false;
	}
	shown.tried = hash;
	pthread_mutex_lock(&shown.lock);
	old = shown.now;
	shown.now = next;
	pthread_mutex_unlock(&shown.lock);
	pems_done(&old);
	return true;
}

int certificate_open(const struct api_config *c, struct err *reterr)
{
	struct err err = { 0 };
	int rc;

	if (!c->cert)
		return 0;
	rc = pems_start(c, reterr);
	if (rc < 0)
		return rc;
	shown.is = true;
	if (take(&err))
		return 0;
	return err_set(reterr, err.code, err.at, "%s", err.text);
}

void certificate_again(void)
{
	struct err err = { 0 };

	if (!shown.is)
		return;
	if (take(&err))
		log_info("tls: there is another certificate, which is shown "
			 "from now on");
	else if (err.code && strcmp(err.text, shown.wrong.text) != 0)
		log_warn("tls: the old certificate is kept: %s%s%s", err.at,
			 err.at[0] ? ": " : "", err.text);
	shown.wrong = err;
}

void certificate_close(void)
{
	if (!shown.is)
		return;
	pems_stop();
	pems_done(&shown.now);
	shown.is = false;
}
