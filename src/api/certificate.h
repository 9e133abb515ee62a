/*
 * The certificate that TLS shows, which may become another while we serve. There is
 * one in a process: the library's callback is told of no other.
 */
#pragma once

#include <gnutls/abstract.h>

#include "api/config.h"
#include "base/err.h"

/* Reads the one that the configuration names, if it does; as root. -errno. */
int certificate_open(const struct api_config *c, struct err *reterr);
/*
 * Takes another one, if the files say another and it is good: for handshakes from
 * now on; connections go on as they are. One that is not good is told of once, and
 * changes nothing. The main thread.
 */
void certificate_again(void);
void certificate_close(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. Any thread. */
gnutls_certificate_retrieve_function3 certificate_retrieve;
