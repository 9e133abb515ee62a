/*
 * Sockets of outputs: one that is connected, with or without TLS, on which nothing
 * takes longer than EXPORT_SEND_S. Used by one thread; a signal ends what waits
 * (-EINTR).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sock_tls; /* sock_tls.c */

struct sock {
	int fd;		      /* -1: not connected */
	struct sock_tls *tls; /* NULL: none */
};

/* What a TLS connection is to be with; borrowed. NULL: not said. */
struct sock_spec {
	const char *host, *port;
	bool udp, tls;
	const char *ca;		/* NULL: the system's */
	const char *cert, *key; /* ours, for servers that ask */
	const char *peer;	/* NULL: host */
};

int sock_open(const struct sock_spec *s, struct sock *ret, struct err *reterr);
/* One of the unix family. */
int sock_open_unix(const char *path, bool datagram, struct sock *ret,
		   struct err *reterr);
void sock_close(struct sock *s);
/* All of it, or -errno: then it is not known how much, and it is closed. */
int sock_send(struct sock *s, const void *bytes, size_t len,
	      struct err *reterr);
/*
 * Of TCP: until the other side's kernel has acknowledged all that was sent; as
 * sock_send().
 */
int sock_drain(struct sock *s, struct err *reterr);
/* Has the other side closed it? What it says is not looked at. */
bool sock_is_closed(struct sock *s);

/* sock_tls.c: a handshake on s->fd, the certificate checked. */
int sock_tls_open(struct sock *s, const struct sock_spec *spec,
		  struct err *reterr);
void sock_tls_close(struct sock_tls *t);
int sock_tls_send(struct sock_tls *t, const void *bytes, size_t len,
		  struct err *reterr);
bool sock_tls_is_closed(struct sock_tls *t);
