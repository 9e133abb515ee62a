/*
 * rtnetlink sockets, each bound to one namespace, and requests over them:
 * one with its answer, dumps, and batches.
 *
 * A batch is many requests sent by one sendmsg(2). The kernel works through
 * all of them before the call returns, so nothing - not even SIGKILL - comes
 * between the first and the last, and no time is lost between them. It does
 * not stop at a request that fails.
 *
 * One thread per socket.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/netns.h"

struct nl;

/* Opens an rtnetlink socket that stays in ns (NULL: the caller's own). */
int nl_open(const struct netns *ns, struct nl **ret, struct err *reterr);
/* The same of another netlink protocol, as NETLINK_SOCK_DIAG; for nl_dump. */
int nl_open_of(const struct netns *ns, int protocol, struct nl **ret,
	       struct err *reterr);
void nl_free(struct nl *nl);

/*
 * Sends one request (NLM_F_REQUEST | NLM_F_ACK are added) and waits for the
 * answer. On failure *reterr says what the kernel said (its extended ack)
 * after `what`, "add veth vin".
 */
int nl_ask(struct nl *nl, struct nlmsghdr *req, const char *what,
	   struct err *reterr);
/*
 * The same for a request that is answered by a message (RTM_GETLINK for one
 * device): each answer goes to cb as in nl_dump.
 */
int nl_get(struct nl *nl, struct nlmsghdr *req,
	   int (*cb)(const struct nlmsghdr *msg, void *arg), void *arg,
	   const char *what, struct err *reterr);
/*
 * Dumps; cb gets each message and returns 0, or -errno to have the rest read
 * but not looked at and that value returned. A dump that the kernel marks as
 * interrupted by changes is -EAGAIN.
 */
int nl_dump(struct nl *nl, struct nlmsghdr *req,
	    int (*cb)(const struct nlmsghdr *msg, void *arg), void *arg,
	    const char *what, struct err *reterr);

/*
 * From now on the kernel refuses what it does not know of a dump's request; else
 * it passes over it, and answers as if it had not been asked. -errno where a
 * kernel cannot (before 4.20).
 */
int nl_strict(struct nl *nl, bool on, struct err *reterr);

/* Requests in one growing buffer; zero-initialised is empty. */
struct nl_batch {
	uint8_t *buf; /* owned */
	size_t len_bytes, size_bytes;
	unsigned count;
};

void nl_batch_done(struct nl_batch *b);
/* Appends a finished message; -ENOMEM, -E2BIG (NL_BATCH_BYTES_MAX). */
int nl_batch_add(struct nl_batch *b, const struct nlmsghdr *msg);
/*
 * Sends all. For each request that failed, on_error(index, errno, text of the
 * kernel or "", arg) is called; it returns 0 to bear the error. The first
 * error not borne is returned and told in *reterr. All requests were tried in
 * any case. on_error NULL bears none.
 */
int nl_batch_send(struct nl *nl, struct nl_batch *b,
		  int (*on_error)(unsigned index, const struct nlmsghdr *req,
				  int error, const char *text, void *arg),
		  void *arg, const char *what, struct err *reterr);
