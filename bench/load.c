/*
 * Load, and what came of it, counted at its ends. Written for bench/run.
 *
 *   load server PORT                            TCP and UDP, until it is ended
 *   load stream  ADDRESS PORT MS STREAMS [CC]   TCP, bytes one way
 *   load ask     ADDRESS PORT MS                TCP, one byte there and back
 *   load connect ADDRESS PORT MS AT_A_TIME      connect, one request, close
 *   load attempt ADDRESS PORT MS RATE           SYNs to as many ports and addresses
 *                                               from these on, none tried twice
 *   load udp     ADDRESS PORT MS FLOWS [RATE]   frames of 64 bytes; RATE a second,
 *                                               or as fast as send() does it
 *
 * A client prints one line of JSON: what was carried, in which time, and what
 * all processors it may run on were busy meanwhile - with whatever, so that
 * what the kernel does on nobody's account is in it. Streams have one thread at
 * either end, all other connections one each.
 *
 * The first byte of a connection says what it is for (enum purpose).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"

#define THREADS	      64	/* of a server: connections served at a time */
#define DESCRIPTORS   1024	/* of a server */
#define ASKED_MAX     (1 << 22) /* round trips of one `ask` */
#define CHUNK	      (128 << 10)
#define REQUEST	      64 /* bytes, of `connect`; and of its answer */
#define UDP_PAYLOAD   22 /* Ethernet 14, IPv4 20, UDP 8: 64 */
#define UDP_FLOWS     64
#define UDP_BATCH     64
#define QUIET_NS      100000000 /* without a frame: no more will come */
#define BACKLOG	      1024
#define ANSWER_WAIT_S 60

enum purpose {
	PURPOSE_STREAM = 's',  /* bytes up to the end; answer: their number */
	PURPOSE_ECHO = 'e',    /* each byte is sent back */
	PURPOSE_REQUEST = 'r', /* REQUEST bytes there and back, and close */
	PURPOSE_UDP = 'u',     /* of each further byte: struct udp_seen */
};

/* What a server has seen of the UDP flows since it was last asked to forget. */
struct udp_seen {
	uint64_t frames, reordered;
	uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC; 0: none */
};

struct udp_frame {
	uint64_t number; /* of its flow, from 1 */
	uint32_t run;	 /* frames of another one are not counted */
	uint32_t flow;
	uint8_t rest[UDP_PAYLOAD - 16];
} __attribute__((packed));

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* there is such a clock */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end || end == text || v < min || v > max)
		die("\"%s\" is no number of %u..%u", text, min, max);
	return (uint32_t)v;
}

static void start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	int rc = pthread_create(ret, NULL, fn, arg);

	if (rc != 0)
		die("start a thread: %s", strerror(rc));
}

/* --- sockets --------------------------------------------------------------- */

static bool send_all(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool receive_all(int fd, void *bytes, size_t len)
{
	return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof value) < 0)
		die("set a socket option: %s", strerror(errno));
}

/* Of a client, passive false: what is not answered in ANSWER_WAIT_S is lost. */
static int socket_to(const char *address, const char *port, int type,
		     bool passive)
{
	static const struct timeval wait = { .tv_sec = ANSWER_WAIT_S };
	struct addrinfo want = { .ai_family = AF_INET,
				 .ai_socktype = type,
				 .ai_flags = AI_NUMERICHOST | AI_PASSIVE },
			*to;
	int fd, rc;

	if (getaddrinfo(address, port, &want, &to) != 0)
		die("no address: %s, port %s", address ? address : "any", port);
	fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("make a socket: %s", strerror(errno));
	if (passive)
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	else if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) <
		 0)
		die("set a time-out: %s", strerror(errno));
	rc = passive ? bind(fd, to->ai_addr, to->ai_addrlen)
		     : connect(fd, to->ai_addr, to->ai_addrlen);
	if (rc < 0)
		die("%s port %s: %s", passive ? "bind" : "connect to", port,
		    strerror(errno));
	freeaddrinfo(to);
	return fd;
}

static int dial(const char *address, const char *port, enum purpose purpose)
{
	int fd = socket_to(address, port, SOCK_STREAM, false);
	char word = (char)purpose;

	set_option(fd, SOL_TCP, TCP_NODELAY, 1);
	if (!send_all(fd, &word, 1))
		die("say what for: %s", strerror(errno));
	return fd;
}

/* --- the server ------------------------------------------------------------ */

static struct udp_seen udp_seen;
static _Atomic uint32_t udp_run;
static pthread_mutex_t udp_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_frames(const struct udp_frame *frames, const size_t *lens,
			int n, uint64_t *last)
{
	uint64_t now = now_ns();

	(void)pthread_mutex_lock(&udp_lock); /* cannot fail: not held */
	for (int i = 0; i < n; i++) {
		const struct udp_frame *f = &frames[i];

		if (lens[i] != UDP_PAYLOAD || f->flow >= UDP_FLOWS ||
		    f->run != udp_run)
			continue;
		if (udp_seen.frames++ == 0) {
			udp_seen.first_ns = now;
			memset(last, 0, UDP_FLOWS * sizeof *last);
		}
		udp_seen.last_ns = now;
		if (f->number <= last[f->flow])
			udp_seen.reordered++; /* or came twice */
		else
			last[f->flow] = f->number;
	}
	(void)pthread_mutex_unlock(&udp_lock);
}

static _Noreturn void *hear_udp(void *arg)
{
	static struct udp_frame frames[UDP_BATCH];
	static struct mmsghdr m[UDP_BATCH];
	static struct iovec iov[UDP_BATCH];
	static uint64_t last[UDP_FLOWS];
	size_t lens[UDP_BATCH];
	int n, fd = *(const int *)arg;

	for (int i = 0; i < UDP_BATCH; i++) {
		iov[i] = (struct iovec){ &frames[i], sizeof frames[i] };
		m[i].msg_hdr =
			(struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while ((n = recvmmsg(fd, m, UDP_BATCH, MSG_WAITFORONE, NULL)) > 0) {
		for (int i = 0; i < n; i++)
			lens[i] = m[i].msg_len;
		note_frames(frames, lens, n, last);
	}
	die("receive UDP: %s", strerror(errno));
}

/*
 * All streams are heard by one thread, as they are sent by one: what event loops
 * do, and iperf3. By descriptor: bytes so far.
 */
static int streams = -1; /* epoll */
static uint64_t stream_bytes[DESCRIPTORS];

static void hear_stream(int fd)
{
	static char chunk[CHUNK];
	ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);

	if (n > 0)
		stream_bytes[fd] += (uint64_t)n;
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	/* a client that is gone needs no answer */
	(void)send_all(fd, &stream_bytes[fd], sizeof stream_bytes[fd]);
	close(fd);
}

static _Noreturn void *hear_streams(void *arg)
{
	struct epoll_event events[THREADS];
	int n;

	while ((n = epoll_wait(streams, events, THREADS, -1)) > 0)
		for (int i = 0; i < n; i++)
			hear_stream(events[i].data.fd);
	die("wait for streams: %s", strerror(errno));
}

static void serve_stream(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= DESCRIPTORS)
		die("descriptor %d is one too many", fd);
	stream_bytes[fd] = 0;
	if (epoll_ctl(streams, EPOLL_CTL_ADD, fd, &e) < 0)
		die("hear a stream: %s", strerror(errno));
}

static void serve_echo(int fd)
{
	char byte;

	while (receive_all(fd, &byte, 1) && send_all(fd, &byte, 1))
		;
}

static void serve_request(int fd)
{
	char request[REQUEST];

	/* its first byte has been received */
	if (receive_all(fd, request, sizeof request - 1))
		(void)send_all(fd, request, sizeof request); /* likewise */
}

/* A run's number begins it. */
static void serve_udp(int fd)
{
	struct udp_seen seen = { 0 };
	uint32_t run;
	char byte;

	if (!receive_all(fd, &run, sizeof run))
		return;
	(void)pthread_mutex_lock(&udp_lock);
	udp_seen = seen;
	udp_run = run;
	(void)pthread_mutex_unlock(&udp_lock);
	do {
		(void)pthread_mutex_lock(&udp_lock);
		seen = udp_seen;
		(void)pthread_mutex_unlock(&udp_lock);
	} while (send_all(fd, &seen, sizeof seen) && receive_all(fd, &byte, 1));
}

/* Takes fd. */
static void serve_one(int fd)
{
	char purpose = 0;

	set_option(fd, SOL_TCP, TCP_NODELAY, 1);
	/* a client that says nothing is not served */
	(void)receive_all(fd, &purpose, 1);
	if (purpose == PURPOSE_STREAM) {
		serve_stream(fd);
		return;
	}
	switch (purpose) {
	case PURPOSE_ECHO: serve_echo(fd); break;
	case PURPOSE_REQUEST: serve_request(fd); break;
	case PURPOSE_UDP: serve_udp(fd); break;
	default: break;
	}
	close(fd);
}

static _Noreturn void *serve(void *arg)
{
	int fd, listener = *(const int *)arg;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 ||
	       errno == ECONNABORTED) {
		if (fd >= 0)
			serve_one(fd);
	}
	die("accept: %s", strerror(errno));
}

static _Noreturn void serve_all(const char *port)
{
	static int tcp, udp; /* for as long as the threads */
	pthread_t ignored;

	udp = socket_to(NULL, port, SOCK_DGRAM, true);
	set_option(udp, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	tcp = socket_to(NULL, port, SOCK_STREAM, true);
	if (listen(tcp, BACKLOG) < 0)
		die("listen on %s: %s", port, strerror(errno));
	streams = epoll_create1(EPOLL_CLOEXEC);
	if (streams < 0)
		die("epoll: %s", strerror(errno));
	start(&ignored, hear_udp, &udp);
	start(&ignored, hear_streams, NULL);
	for (int i = 0; i < THREADS - 1; i++)
		start(&ignored, serve, &tcp);
	serve(&tcp);
}

/* --- what the processors do -------------------------------------------------- */

struct meter {
	uint64_t ns;
	double idle_s;
	int cpus;
};

/*
 * Seconds that the processors we may run on had nothing to do, or were taken
 * from this machine by the one below it.
 */
static struct meter meter_now(void)
{
	struct meter m = { 0 };
	FILE *f = fopen("/proc/stat", "re");
	unsigned long long idle, iowait, steal;
	char line[256];
	cpu_set_t ours;
	unsigned cpu;

	if (!f || sched_getaffinity(0, sizeof ours, &ours) < 0)
		die("/proc/stat, or our CPUs: %s", strerror(errno));
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, /* NOLINT(cert-err34-c): the kernel's own */
			   "cpu%u %*u %*u %*u %llu %llu %*u %*u %llu", &cpu,
			   &idle, &iowait, &steal) != 4 ||
		    line[3] == ' ' || !CPU_ISSET(cpu, &ours))
			continue;
		m.idle_s += (double)(idle + iowait + steal) /
			    (double)sysconf(_SC_CLK_TCK);
		m.cpus++;
	}
	fclose(f);
	m.ns = now_ns();
	return m;
}

static void print_cost(const struct meter *from)
{
	struct meter to = meter_now();
	double s = (double)(to.ns - from->ns) / 1e9;
	double busy = s * to.cpus - (to.idle_s - from->idle_s);

	printf("\"seconds\": %.6f, \"cpu_s\": %.3f}\n", s, busy > 0 ? busy : 0);
}

/* --- clients ----------------------------------------------------------------- */

/* What a client's threads share. */
struct client {
	const char *address, *port;
	const char *cc;	       /* congestion control; NULL: the system's */
	uint64_t for_ns;       /* so long */
	uint64_t end_ns;       /* connections: up to then */
	_Atomic uint64_t done; /* connections */
};

static void *connect_again(void *arg)
{
	struct client *c = arg;
	const char request[REQUEST] = { PURPOSE_REQUEST };
	char answer[REQUEST];

	while (now_ns() < c->end_ns) {
		int fd = socket_to(c->address, c->port, SOCK_STREAM, false);

		/* the server closes first, so our port is free at once */
		if (!send_all(fd, request, sizeof request) ||
		    !receive_all(fd, answer, sizeof answer) ||
		    recv(fd, answer, 1, 0) != 0)
			die("connect: no answer, no end: %s", strerror(errno));
		close(fd);
		c->done++;
	}
	return NULL;
}

static int connect_all(struct client *c, uint32_t at_a_time)
{
	pthread_t threads[THREADS];
	struct meter before = meter_now();

	c->end_ns = before.ns + c->for_ns;
	for (uint32_t i = 0; i < at_a_time; i++)
		start(&threads[i], connect_again, c);
	for (uint32_t i = 0; i < at_a_time; i++)
		(void)pthread_join(threads[i], NULL); /* it is joinable */
	printf("{\"count\": %llu, ", (unsigned long long)c->done);
	print_cost(&before);
	return 0;
}

static void open_streams(const struct client *c, struct pollfd *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int fd = dial(c->address, c->port, PURPOSE_STREAM);

		fds[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
		if (c->cc && setsockopt(fd, SOL_TCP, TCP_CONGESTION, c->cc,
					(socklen_t)strlen(c->cc)) < 0)
			die("congestion control %s: %s", c->cc,
			    strerror(errno));
	}
}

static int stream(const struct client *c, uint32_t n)
{
	static const char chunk[CHUNK];
	struct pollfd fds[THREADS];
	uint64_t bytes, all = 0;
	struct meter before;

	open_streams(c, fds, n);
	before = meter_now();
	while (now_ns() < before.ns + c->for_ns) {
		if (poll(fds, n, 1000) < 0)
			die("poll: %s", strerror(errno));
		for (uint32_t i = 0; i < n; i++)
			if (fds[i].revents &&
			    send(fds[i].fd, chunk, CHUNK,
				 MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
			    errno != EAGAIN)
				die("stream: %s", strerror(errno));
	}
	for (uint32_t i = 0; i < n; i++)
		if (shutdown(fds[i].fd, SHUT_WR) < 0)
			die("end a stream: %s", strerror(errno));
	for (uint32_t i = 0; i < n; i++, all += bytes)
		if (!receive_all(fds[i].fd, &bytes, sizeof bytes))
			die("stream: no answer at its end: %s",
			    strerror(errno));
	printf("{\"bytes\": %llu, ", (unsigned long long)all);
	print_cost(&before);
	return 0;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int ask(const struct client *c)
{
	static uint32_t ns[ASKED_MAX];
	int fd = dial(c->address, c->port, PURPOSE_ECHO);
	struct meter before = meter_now();
	uint64_t asked = before.ns, end = asked + c->for_ns;
	uint32_t p50, p99;
	size_t n = 0;
	char byte = 'x';

	while (n < ASKED_MAX && asked < end) {
		uint64_t answered;

		if (!send_all(fd, &byte, 1) || !receive_all(fd, &byte, 1))
			die("ask: connection lost: %s", strerror(errno));
		answered = now_ns();
		ns[n++] = (uint32_t)(answered - asked);
		asked = answered;
	}
	printf("{\"count\": %zu, ", n);
	qsort(ns, n, sizeof *ns, ascending);
	p50 = ns[n / 2];
	p99 = ns[n * 99 / 100];
	printf("\"p50_us\": %.3f, \"p99_us\": %.3f, ", p50 / 1e3, p99 / 1e3);
	print_cost(&before);
	return 0;
}

/* --- UDP --------------------------------------------------------------------- */

static struct udp_seen ask_seen(int fd)
{
	struct udp_seen seen;
	char byte = 0;

	if (!send_all(fd, &byte, 1) || !receive_all(fd, &seen, sizeof seen))
		die("udp: the server does not tell: %s", strerror(errno));
	return seen;
}

static void wait_ns(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	(void)nanosleep(&t, NULL); /* or shorter */
}

/* What waits on the way still comes. */
static struct udp_seen seen_at_last(int fd)
{
	struct udp_seen seen = ask_seen(fd), before;

	do {
		before = seen;
		wait_ns(QUIET_NS);
		seen = ask_seen(fd);
	} while (seen.frames != before.frames);
	return seen;
}

/* Frames sent, of n flows in turn, until then; rate 0: as fast as it goes. */
static uint64_t send_udp(const int *fds, uint32_t n, uint32_t run,
			 uint32_t rate, uint64_t end)
{
	struct udp_frame f = { .run = run };
	uint64_t begun = now_ns(), now = begun, sent = 0;

	while (now < end) {
		if (!rate || sent < (now - begun) * rate / 1000000000) {
			f.flow = (uint32_t)(sent % n);
			f.number = sent / n + 1;
			/* one that the kernel refuses did not arrive */
			(void)send(fds[f.flow], &f, sizeof f, 0);
			sent++;
		} else {
			wait_ns(50000);
		}
		now = now_ns();
	}
	return sent;
}

static int udp(const struct client *c, uint32_t flows, uint32_t rate)
{
	int control = dial(c->address, c->port, PURPOSE_UDP);
	uint32_t run = (uint32_t)now_ns();
	int fds[UDP_FLOWS];
	struct udp_seen seen;
	struct meter before;
	uint64_t sent;

	for (uint32_t i = 0; i < flows; i++)
		fds[i] = socket_to(c->address, c->port, SOCK_DGRAM, false);
	if (!send_all(control, &run, sizeof run) ||
	    !receive_all(control, &seen, sizeof seen))
		die("udp: the server does not begin: %s", strerror(errno));
	before = meter_now();
	sent = send_udp(fds, flows, run, rate, before.ns + c->for_ns);
	seen = seen_at_last(control);
	printf("{\"sent\": %llu, \"received\": %llu, \"reordered\": %llu, "
	       "\"received_s\": %.6f, ",
	       (unsigned long long)sent, (unsigned long long)seen.frames,
	       (unsigned long long)seen.reordered,
	       (double)(seen.last_ns - seen.first_ns) / 1e9);
	print_cost(&before);
	return 0;
}

/* A SYN: the kernel sends it at once, and forgets it when fd is closed. */
static bool attempt(struct sockaddr_in to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool sent;

	if (fd < 0)
		die("a socket: %s", strerror(errno));
	sent = connect(fd, (struct sockaddr *)&to, sizeof to) < 0 &&
	       errno == EINPROGRESS;
	close(fd);
	return sent;
}

/* The first port that is tried at an address behind the first one. */
#define PORT_FIRST 1024

static int attempts(const struct client *c, uint32_t rate)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint32_t port = number(c->port, 1, UINT16_MAX);
	uint64_t begun = now_ns(), now = begun, sent = 0, tried = 0;
	uint64_t all = c->for_ns / 1000000 * rate / 1000;

	if (inet_pton(AF_INET, c->address, &to.sin_addr) != 1)
		die("\"%s\" is no IPv4 address", c->address);
	while (tried < all) {
		if (tried >= (now - begun) * rate / 1000000000) {
			wait_ns(50000);
			now = now_ns();
			continue;
		}
		to.sin_port = htons((uint16_t)port);
		sent += attempt(to);
		tried++;
		if (++port > UINT16_MAX) {
			port = PORT_FIRST;
			to.sin_addr.s_addr =
				htonl(ntohl(to.sin_addr.s_addr) + 1);
		}
		now = now_ns();
	}
	printf("{\"sent\": %llu, \"seconds\": %.3f}\n",
	       (unsigned long long)sent, (double)(now_ns() - begun) / 1e9);
	return 0;
}

static int run_client(int argc, char **argv)
{
	struct client c = { .address = argv[2], .port = argv[3] };
	const char *what = argv[1];

	c.for_ns = number(argv[4], 1, 3600000) * 1000000ull;
	if (argc == 5 && strcmp(what, "ask") == 0)
		return ask(&c);
	if ((argc == 6 || argc == 7) && strcmp(what, "stream") == 0) {
		c.cc = argv[6];
		return stream(&c, number(argv[5], 1, THREADS));
	}
	if (argc == 6 && strcmp(what, "connect") == 0)
		return connect_all(&c, number(argv[5], 1, THREADS));
	if (argc == 6 && strcmp(what, "attempt") == 0)
		return attempts(&c, number(argv[5], 1, 1000000));
	if ((argc == 6 || argc == 7) && strcmp(what, "udp") == 0)
		return udp(&c, number(argv[5], 1, UDP_FLOWS),
			   argc == 7 ? number(argv[6], 1, 10000000) : 0);
	die("what is \"%s\" with so many words? See the head of load.c", what);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "server") == 0)
		serve_all(argv[2]);
	if (argc >= 5)
		return run_client(argc, argv);
	fputs("usage: load server PORT | load KIND ADDRESS PORT MS ...\n",
	      stderr);
	return 2;
}
