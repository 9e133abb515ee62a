#include "fleet/cert.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/limits_fleet.h"

#define DAY_S 86400

int fleet_cert_end(const char *path, int64_t *ret_s, struct err *reterr)
{
	size_t len = 0;
	char *text = file_load(path, FLEET_CERT_MAX, &len, reterr);
	gnutls_datum_t d = { (unsigned char *)text, (unsigned)len };
	gnutls_x509_crt_t crt = NULL;
	time_t end = -1;
	int rc;

	if (!text)
		return -reterr->code;
	rc = gnutls_x509_crt_init(&crt);
	if (rc == 0)
		rc = gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		end = gnutls_x509_crt_get_expiration_time(crt);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	free(text);
	if (rc < 0 || end == (time_t)-1)
		return err_set(reterr, EINVAL, path,
			       "no certificate can be read in it: %s",
			       rc < 0 ? gnutls_strerror(rc) : "it has no end");
	*ret_s = end;
	return 0;
}

enum fleet_cert_state fleet_cert_words(int64_t end_s, int64_t now_s,
				       char buf[static FLEET_CERT_WORDS_MAX])
{
	long long days = (end_s - now_s) / DAY_S;
	time_t end = (time_t)end_s;
	char date[sizeof "-2147483648-12-31"] = "?";
	struct tm tm;

	if (gmtime_r(&end, &tm))
		(void)strftime(date, sizeof date, "%Y-%m-%d", &tm);
	if (end_s <= now_s) {
		(void)snprintf(buf, FLEET_CERT_WORDS_MAX, "has ended, %s",
			       date);
		return FLEET_CERT_ENDED;
	}
	(void)snprintf(buf, FLEET_CERT_WORDS_MAX, "ends in %lld day%s, %s",
		       days, days == 1 ? "" : "s", date);
	return days < FLEET_CERT_SOON_DAYS ? FLEET_CERT_ENDS_SOON
					   : FLEET_CERT_HOLDS;
}
