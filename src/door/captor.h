/*
 * A capture of a workload at a data plane's door: frames from the ring that it
 * shares (wire/capture.h), those that a filter wants, with the workload's MAC in the
 * place of its mark. Whoever has opened one may use it from one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "door/pcapng.h"
#include "wire/capture.h"

struct captor;

struct captor_spec {
	const char *door;   /* path of the data plane's */
	struct mac mac;	    /* the workload's */
	uint32_t snaplen;   /* 0: all */
	const char *filter; /* pcap-filter(7); "" all */
};

/* Is it one? -EINVAL, at FILTER. */
int captor_check(const char *filter, struct err *reterr);
/* NULL and *reterr. */
struct captor *captor_open(const struct captor_spec *spec, struct err *reterr);
void captor_free(struct captor *c); /* NULL is accepted */

/* Becomes readable when the data plane is gone. */
int captor_fd(const struct captor *c);
/* Is the workload gone? What came before is still there. */
bool captor_is_over(const struct captor *c);
/*
 * Whatever came until now is one round; captor_next() gives it, and then false.
 */
void captor_round(struct captor *c);
/*
 * The next wanted frame of the round: f, when (since 1970), and its bytes, valid
 * until the next call. false: no more. *ret_broken: the ring is, -EPROTO.
 */
bool captor_next(struct captor *c, struct capture_frame *f, uint64_t *ret_at_us,
		 struct bytes *ret_bytes, bool *ret_broken);
/* received, accepted and dropped; times and written are the caller's. */
void captor_count(const struct captor *c, struct pcapng_sums *ret);

#define CAPTOR_COMMENT_MAX 128
/* "flow=12 verdict=forward reason=policy_allow rule=7"; returns buf. */
const char *captor_comment(char buf[static CAPTOR_COMMENT_MAX],
			   const struct capture_frame *f);
