/*
 * Request/response over one TCP connection: one byte there, one byte back.
 *
 *   rr server PORT              serves one connection after the other
 *   rr client ADDRESS PORT MS   prints {"count":N,"p50_us":X,"p99_us":Y}
 *
 * Written for bench/run; a probe in C because a round trip costs less than an
 * interpreter's turn.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"

#define SAMPLES_MAX (1 << 20)

static void no_delay(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		die("TCP_NODELAY: %s", strerror(errno));
}

static int serve(const char *port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int one = 1, fd = socket(AF_INET6, SOCK_STREAM, 0);
	char byte;

	any.sin6_port = __builtin_bswap16((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
	    listen(fd, 16) < 0)
		die("listen on %s: %s", port, strerror(errno));
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			continue;
		no_delay(c);
		while (read(c, &byte, 1) == 1 && write(c, &byte, 1) == 1)
			;
		close(c);
	}
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int dial(const char *address, const char *port)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST },
			*to;
	int fd;

	if (getaddrinfo(address, port, &want, &to) != 0)
		die("no address: %s", address);
	fd = socket(to->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		die("connect to %s: %s", address, strerror(errno));
	freeaddrinfo(to);
	no_delay(fd);
	return fd;
}

static int ask(const char *address, const char *port, unsigned long ms)
{
	static uint32_t us[SAMPLES_MAX];
	int fd = dial(address, port);
	usec_t end = usec_add(clock_now(), ms * 1000);
	size_t n = 0;
	char byte = 'x';

	while (n < SAMPLES_MAX) {
		usec_t before = clock_now(), after;

		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			die("connection lost: %s", strerror(errno));
		after = clock_now();
		us[n++] = (uint32_t)usec_since(after, before);
		if (usec_before(end, after))
			break;
	}
	qsort(us, n, sizeof *us, ascending);
	printf("{\"count\":%zu,\"p50_us\":%u,\"p99_us\":%u}\n", n, us[n / 2],
	       us[n * 99 / 100]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "server") == 0)
		return serve(argv[2]);
	if (argc == 5 && strcmp(argv[1], "client") == 0)
		return ask(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	fputs("usage: rr server PORT | rr client ADDRESS PORT MS\n", stderr);
	return 2;
}
