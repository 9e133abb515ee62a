/*
 * weir-api's configuration, /etc/weir/api.yaml (weir-api(8)). It is read and
 * checked whole before anything of it is used. What is not in it has the value
 * said here.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define API_LISTENS_MAX 8
#define API_HOSTS_MAX	32

/* An address to listen at. */
struct api_listen {
	struct sockaddr_in6 addr; /* IPv4 ones are mapped */
	bool loopback;		  /* plain HTTP; others speak TLS */
};

struct api_config {
	struct api_listen listens[API_LISTENS_MAX]; /* 127.0.0.1:8787 */
	size_t n_listens;
	char *hosts[API_HOSTS_MAX]; /* names it may be called by; owned */
	size_t n_hosts;
	char *cert, *key;   /* tls: PEM files, or NULL; owned */
	char *user;	    /* whom it becomes when root starts it: weir-api */
	char *state_dir;    /* /var/lib/weir-api */
	char *web;	    /* the UI's files */
	char *openapi;	    /* openapi.yaml */
	char *agent;	    /* the agent's socket */
	bool metrics_local; /* this host reads /metrics without a token */
};

/* What holds without a file. -ENOMEM. End with api_config_done(). */
int api_config_init(struct api_config *c, struct err *reterr);
void api_config_done(struct api_config *c);
/* As config_read() of the agent: -ENOENT, or -EINVAL with FILE:LINE:COL. */
int api_config_read(const char *path, struct api_config *ret,
		    struct err *reterr);
/*
 * What options have changed must make sense, too: an address that is not
 * loopback needs a certificate. -EINVAL.
 */
int api_config_check(const struct api_config *c, struct err *reterr);
/* "ADDRESS:PORT" or "[ADDRESS]:PORT". -EINVAL. */
int api_listen_parse(const char *text, struct api_listen *ret,
		     struct err *reterr);
/* The same back. */
#define API_LISTEN_TEXT_MAX 56
const char *api_listen_text(const struct api_listen *l,
			    char buf[static API_LISTEN_TEXT_MAX]);
