/*
 * GnuTLS, as a client: TLS 1.2 and later, the server's certificate checked against
 * the authorities and its name. One that fails the check gets no byte of a log.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits_export.h"
#include "export/sock.h"

struct sock_tls {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

void sock_tls_close(struct sock_tls *t)
{
	if (t->session) {
		int fd = gnutls_transport_get_int(t->session);

		/* who does not take our goodbye is not waited for */
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		(void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
		gnutls_deinit(t->session);
	}
	if (t->credentials)
		gnutls_certificate_free_credentials(t->credentials);
	free(t);
}

static int tls_error(int rc, const char *what, struct err *reterr)
{
	return err_set(reterr, rc == GNUTLS_E_AGAIN ? ETIMEDOUT : EPROTO, NULL,
		       "TLS: %s: %s", what,
		       rc == GNUTLS_E_AGAIN ? "no answer in time"
					    : gnutls_strerror(rc));
}

static int load(struct sock_tls *t, const struct sock_spec *s,
		struct err *reterr)
{
	int rc = gnutls_certificate_allocate_credentials(&t->credentials);

	if (rc < 0)
		return tls_error(rc, "credentials", reterr);
	rc = s->ca ? gnutls_certificate_set_x509_trust_file(
			     t->credentials, s->ca, GNUTLS_X509_FMT_PEM)
		   : gnutls_certificate_set_x509_system_trust(t->credentials);
	if (rc < 0)
		return tls_error(rc, s->ca ? s->ca : "the system's authorities",
				 reterr);
	if (!s->cert)
		return 0;
	rc = gnutls_certificate_set_x509_key_file(t->credentials, s->cert,
						  s->key, GNUTLS_X509_FMT_PEM);
	return rc < 0 ? tls_error(rc, s->cert, reterr) : 0;
}

/* Names go into the hello; addresses do not (RFC 6066 3). */
static bool is_address(const char *text)
{
	return text[strspn(text, "0123456789.")] == '\0' || strchr(text, ':');
}

static int begin(struct sock_tls *t, const struct sock_spec *s, int fd,
		 struct err *reterr)
{
	const char *peer = s->peer ? s->peer : s->host;
	int rc = gnutls_init(&t->session, GNUTLS_CLIENT);

	if (rc == 0)
		rc = gnutls_set_default_priority_append(
			t->session, "-VERS-TLS1.0:-VERS-TLS1.1", NULL, 0);
	if (rc == 0)
		rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
					    t->credentials);
	if (rc == 0 && !is_address(peer))
		rc = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, peer,
					    strlen(peer));
	if (rc < 0)
		return tls_error(rc, "session", reterr);
	gnutls_session_set_verify_cert(t->session, peer, 0);
	gnutls_transport_set_int(t->session, fd);
	gnutls_handshake_set_timeout(t->session, EXPORT_SEND_S * 1000);
	return 0;
}

static int refused(struct sock_tls *t, struct err *reterr)
{
	unsigned status = gnutls_session_get_verify_cert_status(t->session);
	gnutls_datum_t why = { .data = NULL };
	int rc = gnutls_certificate_verification_status_print(
		status, GNUTLS_CRT_X509, &why, 0);

	(void)err_set(reterr, EACCES, NULL,
		      "TLS: the certificate is refused: %s",
		      rc == 0 ? (const char *)why.data : "");
	gnutls_free(why.data);
	return -EACCES;
}

int sock_tls_open(struct sock *s, const struct sock_spec *spec,
		  struct err *reterr)
{
	struct sock_tls *t = calloc(1, sizeof *t);
	uint64_t end = clock_now().us + EXPORT_SEND_S * USEC_PER_SEC;
	int rc;

	if (!t)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = load(t, spec, reterr);
	if (rc == 0)
		rc = begin(t, spec, s->fd, reterr);
	if (rc == 0) {
		do
			rc = gnutls_handshake(t->session);
		while (rc < 0 && !gnutls_error_is_fatal(rc) &&
		       rc != GNUTLS_E_INTERRUPTED && clock_now().us < end);
		if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
			rc = refused(t, reterr);
		else if (rc < 0)
			rc = tls_error(rc, "handshake", reterr);
	}
	if (rc < 0) {
		if (t->session)
			gnutls_deinit(t->session);
		t->session = NULL;
		sock_tls_close(t);
		return rc;
	}
	s->tls = t;
	return 0;
}

int sock_tls_send(struct sock_tls *t, const void *bytes, size_t len,
		  struct err *reterr)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = gnutls_record_send(t->session, at, len);

		if (n < 0)
			return tls_error((int)n, "send", reterr);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What comes is handled (tickets, alerts), and what is said is passed over. */
bool sock_tls_is_closed(struct sock_tls *t)
{
	struct pollfd p = { .fd = gnutls_transport_get_int(t->session),
			    .events = POLLIN };
	char buf[512];

	while (gnutls_record_check_pending(t->session) > 0 ||
	       poll(&p, 1, 0) > 0) {
		ssize_t n = gnutls_record_recv(t->session, buf, sizeof buf);

		if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
			return true;
		if (n < 0 && n != GNUTLS_E_INTERRUPTED)
			return false;
	}
	return false;
}
