#include "cli/fleet_keys.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "base/file.h"
#include "base/limits_fleet_init.h"

#define PATH_BYTES   4096
#define DAY_S	     86400
#define EARLIER_S    3600
#define SERIAL_BYTES 16
#define ID_BYTES     20 /* SHA-1 of the key, RFC 5280 4.2.1.2 */

static int told(int rc, struct err *reterr)
{
	return rc < 0 ? err_set(reterr,
				rc == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EINVAL,
				"certificate", "%s", gnutls_strerror(rc))
		      : 0;
}

/* --- the parts of a certificate; codes of gnutls's -------------------------- */

static int make_key(gnutls_x509_privkey_t *ret)
{
	int rc = gnutls_x509_privkey_init(ret);

	return rc < 0 ? rc
		      : gnutls_x509_privkey_generate(
				*ret, GNUTLS_PK_ECDSA,
				GNUTLS_CURVE_TO_BITS(
					GNUTLS_ECC_CURVE_SECP256R1),
				0);
}

static int set_serial(gnutls_x509_crt_t crt)
{
	uint8_t serial[SERIAL_BYTES];
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

	/* positive, and not of fewer bytes */
	serial[0] = (serial[0] & 0x7f) | 0x40;
	return rc < 0 ? rc
		      : gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
}

static int set_names(gnutls_x509_crt_t crt, const char *fleet, const char *name)
{
	int rc = gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, fleet,
		(unsigned)strlen(fleet));

	return rc < 0 ? rc
		      : gnutls_x509_crt_set_dn_by_oid(
				crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				(unsigned)strlen(name));
}

static int set_host(gnutls_x509_crt_t crt, const char *host)
{
	struct ip_addr ip;
	bool v4;

	if (ip_parse(host, &ip) < 0)
		return gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, host, (unsigned)strlen(host),
			GNUTLS_FSAN_SET);
	v4 = ip_is_v4(ip);
	return gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_IPADDRESS, ip.b + (v4 ? 12 : 0), v4 ? 4 : 16,
		GNUTLS_FSAN_SET);
}

static int set_ids(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	uint8_t id[ID_BYTES];
	size_t size = sizeof id;
	int rc = gnutls_x509_crt_get_key_id(crt, 0, id, &size);

	if (rc == 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, size);
	size = sizeof id;
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(issuer, 0, id, &size);
	if (rc == 0)
		rc = gnutls_x509_crt_set_authority_key_id(crt, id, size);
	return rc;
}

/* Version, serial, how long, whose key: what each has. */
static int begin(gnutls_x509_crt_t *ret, gnutls_x509_privkey_t key, time_t end)
{
	int rc = gnutls_x509_crt_init(ret);

	if (rc == 0)
		rc = gnutls_x509_crt_set_version(*ret, 3);
	if (rc == 0)
		rc = set_serial(*ret);
	if (rc == 0)
		rc = gnutls_x509_crt_set_activation_time(
			*ret, time(NULL) - EARLIER_S);
	if (rc == 0)
		rc = gnutls_x509_crt_set_expiration_time(*ret, end);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key(*ret, key);
	return rc;
}

static int set_use(gnutls_x509_crt_t crt, enum fleet_use use)
{
	int rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);

	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc == 0 && use != FLEET_USE_NODE)
		rc = gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc == 0 && use != FLEET_USE_SERVER)
		rc = gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	return rc;
}

/* --- as text --------------------------------------------------------------- */

/* A text of ours of one of gnutls's, which is wiped. NULL: no memory. */
static char *own_text(gnutls_datum_t *d)
{
	char *text = strndup((const char *)d->data, d->size);

	explicit_bzero(d->data, d->size);
	gnutls_free(d->data);
	return text;
}

static int write_pair(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
		      struct fleet_pair *ret)
{
	struct fleet_pair p = { 0 };
	gnutls_datum_t d;
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d);

	if (rc == 0)
		p.cert = own_text(&d);
	if (rc == 0)
		rc = gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &d);
	if (rc == 0)
		p.key = own_text(&d);
	if (rc == 0 && (!p.cert || !p.key))
		rc = GNUTLS_E_MEMORY_ERROR;
	if (rc < 0)
		fleet_pair_done(&p);
	else
		*ret = p;
	return rc;
}

void fleet_pair_done(struct fleet_pair *p)
{
	if (p->key)
		explicit_bzero(p->key, strlen(p->key));
	free(p->key);
	free(p->cert);
	*p = (struct fleet_pair){ 0 };
}

/* --- authorities ----------------------------------------------------------- */

static int make_ca(struct fleet_ca *ca, const char *fleet, const char *name,
		   struct fleet_pair *ret)
{
	int rc = make_key(&ca->key);

	if (rc == 0)
		rc = begin(&ca->cert, ca->key,
			   time(NULL) + (time_t)FLEET_DAYS_MAX * DAY_S);
	if (rc == 0)
		rc = set_names(ca->cert, fleet, name);
	/* it signs no other authority */
	if (rc == 0)
		rc = gnutls_x509_crt_set_basic_constraints(ca->cert, 1, 0);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(ca->cert,
						   GNUTLS_KEY_KEY_CERT_SIGN |
							   GNUTLS_KEY_CRL_SIGN);
	if (rc == 0)
		rc = set_ids(ca->cert, ca->cert);
	if (rc == 0)
		rc = gnutls_x509_crt_sign2(ca->cert, ca->cert, ca->key,
					   GNUTLS_DIG_SHA256, 0);
	return rc == 0 ? write_pair(ca->cert, ca->key, ret) : rc;
}

int fleet_ca_make(struct fleet_ca *ca, const char *fleet, const char *name,
		  struct fleet_pair *ret, struct err *reterr)
{
	struct fleet_ca made = { 0 };
	int rc = make_ca(&made, fleet, name, ret);

	if (rc < 0)
		fleet_ca_done(&made);
	else
		*ca = made;
	return told(rc, reterr);
}

/* Is the key that of the certificate? */
static int check_match(const struct fleet_ca *ca)
{
	uint8_t of_cert[ID_BYTES], of_key[ID_BYTES];
	size_t a = sizeof of_cert, b = sizeof of_key;
	int rc = gnutls_x509_crt_get_key_id(ca->cert, 0, of_cert, &a);

	if (rc == 0)
		rc = gnutls_x509_privkey_get_key_id(ca->key, 0, of_key, &b);
	if (rc == 0 && (a != b || memcmp(of_cert, of_key, a) != 0))
		rc = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	return rc;
}

static gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text,
				 (unsigned)strlen(text) };
}

int fleet_ca_load(struct fleet_ca *ca, const char *cert, const char *key,
		  struct err *reterr)
{
	gnutls_datum_t c = datum_of(cert), k = datum_of(key);
	struct fleet_ca made = { 0 };
	int rc = gnutls_x509_crt_init(&made.cert);

	if (rc == 0)
		rc = gnutls_x509_privkey_init(&made.key);
	if (rc == 0)
		rc = gnutls_x509_crt_import(made.cert, &c, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		rc = gnutls_x509_privkey_import2(made.key, &k,
						 GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == 0)
		rc = check_match(&made);
	if (rc < 0)
		fleet_ca_done(&made);
	else
		*ca = made;
	return told(rc, reterr);
}

/* The caller wipes and frees it. */
static char *load(const char *dir, const char *name, const char *suffix,
		  struct err *reterr)
{
	char path[PATH_BYTES];
	size_t len;

	if ((size_t)snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix) >=
	    sizeof path) {
		(void)err_set(reterr, ENAMETOOLONG, NULL,
			      "the folder's name is too long");
		return NULL;
	}
	return file_load(path, FLEET_FILE_MAX, &len, reterr);
}

int fleet_ca_read(struct fleet_ca *ca, const char *dir, const char *name,
		  struct err *reterr)
{
	struct err err = { 0 };
	char *cert = load(dir, name, ".crt", &err);
	char *key = cert ? load(dir, name, ".key", &err) : NULL;
	int rc = key ? fleet_ca_load(ca, cert, key, &err) : -err.code;

	if (rc < 0 && reterr)
		*reterr = err;
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	free(cert);
	return rc;
}

time_t fleet_ca_end(const struct fleet_ca *ca)
{
	return gnutls_x509_crt_get_expiration_time(ca->cert);
}

char *fleet_ca_text(const struct fleet_ca *ca)
{
	gnutls_datum_t d;

	if (gnutls_x509_crt_export2(ca->cert, GNUTLS_X509_FMT_PEM, &d) < 0)
		return NULL;
	return own_text(&d);
}

void fleet_ca_done(struct fleet_ca *ca)
{
	if (ca->cert)
		gnutls_x509_crt_deinit(ca->cert);
	if (ca->key)
		gnutls_x509_privkey_deinit(ca->key);
	*ca = (struct fleet_ca){ 0 };
}

/* --- whom it signs --------------------------------------------------------- */

static int sign(const struct fleet_ca *ca, gnutls_x509_crt_t crt,
		enum fleet_use use, const char *host)
{
	int rc = set_use(crt, use);

	if (rc == 0)
		rc = set_host(crt, host);
	if (rc == 0)
		rc = set_ids(crt, ca->cert);
	if (rc == 0)
		rc = gnutls_x509_crt_sign2(crt, ca->cert, ca->key,
					   GNUTLS_DIG_SHA256, 0);
	return rc;
}

int fleet_pair_make(const struct fleet_ca *ca, enum fleet_use use,
		    const char *fleet, const char *name, const char *host,
		    unsigned days, struct fleet_pair *ret, struct err *reterr)
{
	time_t end = time(NULL) + (time_t)days * DAY_S;
	time_t last = gnutls_x509_crt_get_expiration_time(ca->cert);
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int rc = make_key(&key);

	if (rc == 0)
		rc = begin(&crt, key, end < last ? end : last);
	if (rc == 0)
		rc = set_names(crt, fleet, name);
	if (rc == 0)
		rc = sign(ca, crt, use, host);
	if (rc == 0)
		rc = write_pair(crt, key, ret);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return told(rc, reterr);
}
