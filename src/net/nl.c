/*
 * Requests carry a sequence number; answers are sorted by it, so what is left
 * over from an earlier, failed exchange is skipped. The kernel answers a
 * request with NLM_F_ACK by NLMSG_ERROR (0 or -errno) and, when asked
 * (NETLINK_EXT_ACK), with a text saying what it did not like.
 *
 * In a batch only the last request asks for an acknowledgement: errors are
 * sent anyway, and thousands of good news would overflow the socket's buffer.
 */
#include "net/nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/limits.h"

/* The kernel fills at most 32 KiB a read of a dump, whatever is offered. */
#define READ_BYTES 32768
/* For batches: errors of all requests must find room. */
#define BUFFER_BYTES (8 << 20)

struct nl {
	struct mnl_socket *sock; /* owned */
	int protocol;
	uint32_t seq;
	uint8_t buf[READ_BYTES];
};

static int open_here(void *arg, struct err *reterr)
{
	struct nl *nl = arg;
	int fd, one = 1, size = BUFFER_BYTES;
	struct timeval patience = { .tv_sec = NL_ANSWER_WAIT_S };

	nl->sock = mnl_socket_open2(nl->protocol, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(reterr, errno, NULL, "open netlink: %s",
			       strerror(errno));
	fd = mnl_socket_get_fd(nl->sock);
	/*
	 * Better messages and larger buffers; without them (an old kernel, no
	 * CAP_NET_ADMIN) everything still works or fails with an error.
	 */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return err_set(reterr, errno, NULL, "rtnetlink time-out: %s",
			       strerror(errno));
	return 0;
}

int nl_open_of(const struct netns *ns, int protocol, struct nl **ret,
	       struct err *reterr)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int r;

	if (!nl)
		return err_set(reterr, ENOMEM, NULL, "no memory");
	nl->protocol = protocol;
	r = ns ? netns_call(ns, open_here, nl, reterr) : open_here(nl, reterr);
	if (r < 0) {
		nl_free(nl);
		return r;
	}
	*ret = nl;
	return 0;
}

int nl_open(const struct netns *ns, struct nl **ret, struct err *reterr)
{
	return nl_open_of(ns, NETLINK_ROUTE, ret, reterr);
}

int nl_strict(struct nl *nl, bool on, struct err *reterr)
{
	int value = on;

	if (setsockopt(mnl_socket_get_fd(nl->sock), SOL_NETLINK,
		       NETLINK_GET_STRICT_CHK, &value, sizeof value) < 0)
		return err_set(reterr, errno, NULL, "rtnetlink: %s",
			       strerror(errno));
	return 0;
}

void nl_free(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		(void)mnl_socket_close(nl->sock); /* nothing to lose */
	free(nl);
}

/* The kernel's text in an NLMSG_ERROR; "" if there is none. */
static void ext_ack_text(const struct nlmsghdr *msg, char *ret, size_t size)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(msg);
	size_t skip = sizeof(*e);
	const struct nlattr *a;

	ret[0] = '\0';
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&e->msg);
	mnl_attr_for_each (a, msg, skip) {
		if (mnl_attr_get_type(a) != NLMSGERR_ATTR_MSG)
			continue;
		/* too long a text is cut */
		(void)snprintf(ret, size, "%.*s",
			       (int)mnl_attr_get_payload_len(a),
			       mnl_attr_get_str(a));
		return;
	}
}

/* errno of an NLMSG_ERROR, 0 for an acknowledgement. */
static int ack_errno(const struct nlmsghdr *msg)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(msg);

	if (msg->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*e))
		return EBADMSG;
	return e->error < 0 ? -e->error : e->error;
}

static int tell(struct err *reterr, int code, const char *what,
		const char *text)
{
	return err_set(reterr, code, NULL, "%s: %s", what,
		       text[0] ? text : strerror(code));
}

static int send_all(struct nl *nl, const void *buf, size_t len,
		    const char *what, struct err *reterr)
{
	ssize_t n;

	do
		n = mnl_socket_sendto(nl->sock, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? tell(reterr, errno, what, "") : 0;
}

/* The next read from the socket; *ret_len of its bytes are in nl->buf. */
static int receive(struct nl *nl, size_t *ret_len, const char *what,
		   struct err *reterr)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return tell(reterr, errno, what, "");
	*ret_len = (size_t)n;
	return 0;
}

/* What came back for one request, so far. */
struct exchange {
	uint32_t seq;
	bool until_done; /* a dump ends with NLMSG_DONE */
	bool over;
	int result; /* first error, negative */
	int (*cb)(const struct nlmsghdr *msg, void *arg);
	void *arg;
	const char *what;
	struct err *reterr;
};

static void take_message(struct exchange *x, const struct nlmsghdr *msg)
{
	char text[160];
	int e;

	if (msg->nlmsg_flags & NLM_F_DUMP_INTR && x->result == 0)
		x->result = tell(x->reterr, EAGAIN, x->what,
				 "changed while it was read");
	switch (msg->nlmsg_type) {
	case NLMSG_DONE: x->over = true; return;
	case NLMSG_ERROR:
		x->over = true;
		e = ack_errno(msg);
		if (e == 0 || x->result != 0)
			return;
		ext_ack_text(msg, text, sizeof(text));
		x->result = tell(x->reterr, e, x->what, text);
		return;
	default:
		if (x->result != 0 || !x->cb)
			return;
		x->result = x->cb(msg, x->arg);
		if (x->result < 0)
			tell(x->reterr, -x->result, x->what, "");
	}
}

static int converse(struct nl *nl, struct exchange *x)
{
	const struct nlmsghdr *msg;
	size_t got = 0;
	int len, r;

	while (!x->over) {
		r = receive(nl, &got, x->what, x->reterr);
		if (r < 0)
			return r;
		len = (int)got;
		msg = (const void *)nl->buf;
		for (; mnl_nlmsg_ok(msg, len) && !x->over;
		     msg = mnl_nlmsg_next(msg, &len))
			if (msg->nlmsg_seq == x->seq)
				take_message(x, msg);
	}
	return x->result;
}

static int exchange(struct nl *nl, struct nlmsghdr *req, unsigned flags,
		    struct exchange *x)
{
	int r;

	req->nlmsg_flags |= NLM_F_REQUEST | flags;
	req->nlmsg_seq = x->seq = ++nl->seq;
	r = send_all(nl, req, req->nlmsg_len, x->what, x->reterr);
	return r < 0 ? r : converse(nl, x);
}

int nl_ask(struct nl *nl, struct nlmsghdr *req, const char *what,
	   struct err *reterr)
{
	struct exchange x = { .what = what, .reterr = reterr };

	return exchange(nl, req, NLM_F_ACK, &x);
}

int nl_get(struct nl *nl, struct nlmsghdr *req,
	   int (*cb)(const struct nlmsghdr *msg, void *arg), void *arg,
	   const char *what, struct err *reterr)
{
	struct exchange x = {
		.cb = cb, .arg = arg, .what = what, .reterr = reterr
	};

	return exchange(nl, req, NLM_F_ACK, &x);
}

int nl_dump(struct nl *nl, struct nlmsghdr *req,
	    int (*cb)(const struct nlmsghdr *msg, void *arg), void *arg,
	    const char *what, struct err *reterr)
{
	struct exchange x = {
		.cb = cb, .arg = arg, .what = what, .reterr = reterr
	};

	return exchange(nl, req, NLM_F_DUMP, &x);
}

void nl_batch_done(struct nl_batch *b)
{
	free(b->buf);
	*b = (struct nl_batch){ 0 };
}

int nl_batch_add(struct nl_batch *b, const struct nlmsghdr *msg)
{
	size_t len = MNL_ALIGN(msg->nlmsg_len);
	size_t want = b->len_bytes + len;

	if (want > NL_BATCH_BYTES_MAX)
		return -E2BIG;
	if (want > b->size_bytes) {
		size_t size = b->size_bytes ? b->size_bytes : NL_REQUEST_MAX;
		uint8_t *buf;

		while (size < want)
			size *= 2;
		buf = realloc(b->buf, size);
		if (!buf)
			return -ENOMEM;
		b->buf = buf;
		b->size_bytes = size;
	}
	memset(b->buf + b->len_bytes, 0, len);
	memcpy(b->buf + b->len_bytes, msg, msg->nlmsg_len);
	b->len_bytes = want;
	b->count++;
	return 0;
}

/* One sending of a batch. */
struct volley {
	struct nl_batch *batch;
	uint32_t first_seq;
	bool over;
	int result;
	int (*on_error)(unsigned index, const struct nlmsghdr *req, int error,
			const char *text, void *arg);
	void *arg;
	const char *what;
	struct err *reterr;
};

static const struct nlmsghdr *request_at(const struct nl_batch *b,
					 unsigned index)
{
	const uint8_t *at = b->buf;

	while (index-- > 0)
		at += MNL_ALIGN(((const struct nlmsghdr *)at)->nlmsg_len);
	return (const void *)at;
}

static void take_ack(struct volley *v, const struct nlmsghdr *msg)
{
	unsigned index = msg->nlmsg_seq - v->first_seq;
	char text[160] = "";
	int e;

	if (msg->nlmsg_type != NLMSG_ERROR || index >= v->batch->count)
		return;
	v->over = index == v->batch->count - 1;
	e = ack_errno(msg);
	if (e == 0)
		return;
	ext_ack_text(msg, text, sizeof(text));
	if (v->on_error && v->on_error(index, request_at(v->batch, index), e,
				       text, v->arg) == 0)
		return;
	if (v->result == 0)
		v->result = tell(v->reterr, e, v->what, text);
}

/* Numbers the requests; only the last asks for an acknowledgement. */
static void number(struct nl_batch *b, uint32_t first_seq)
{
	uint8_t *at = b->buf;

	for (unsigned i = 0; i < b->count; i++) {
		struct nlmsghdr *msg = (void *)at;

		msg->nlmsg_seq = first_seq + i;
		msg->nlmsg_flags |= NLM_F_REQUEST;
		msg->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		if (i == b->count - 1)
			msg->nlmsg_flags |= NLM_F_ACK;
		at += MNL_ALIGN(msg->nlmsg_len);
	}
}

int nl_batch_send(struct nl *nl, struct nl_batch *b,
		  int (*on_error)(unsigned index, const struct nlmsghdr *req,
				  int error, const char *text, void *arg),
		  void *arg, const char *what, struct err *reterr)
{
	struct volley v = { .batch = b,
			    .first_seq = nl->seq + 1,
			    .on_error = on_error,
			    .arg = arg,
			    .what = what,
			    .reterr = reterr };
	const struct nlmsghdr *msg;
	size_t got = 0;
	int len, r;

	if (b->count == 0)
		return 0;
	nl->seq += b->count;
	number(b, v.first_seq);
	r = send_all(nl, b->buf, b->len_bytes, what, reterr);
	while (r == 0 && !v.over) {
		r = receive(nl, &got, what, reterr);
		len = (int)got;
		msg = (const void *)nl->buf;
		for (; r == 0 && mnl_nlmsg_ok(msg, len);
		     msg = mnl_nlmsg_next(msg, &len))
			take_ack(&v, msg);
	}
	return r < 0 ? r : v.result;
}
