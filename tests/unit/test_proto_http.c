/* HTTP/1 as it is spoken. */
#include <stdlib.h>

#include "http_rows.h"
#include "proto/http1.h"

/* limits: table */
static const struct http_row rows[] = {
	{ "keep-alive, as curl and nginx talk",
	  {
		  { 'C',
		    "GET /index.html?a=1 HTTP/1.1\r\n"
		    "Host: Example.ORG:8080\r\n"
		    "User-Agent: curl/7.88.1\r\n"
		    "Accept: */*\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 200 OK\r\n"
		    "Server: nginx/1.22.1\r\n"
		    "Content-Type: text/html\r\n"
		    "Content-Length: 5\r\n"
		    "Connection: keep-alive\r\n"
		    "\r\n"
		    "hello",
		    0 },
		  { 'C',
		    "GET /favicon.ico HTTP/1.1\r\n"
		    "Host: example.org.\r\n"
		    "Cookie: a=b; c=d\r\n"
		    "Referer: http://x/\r\n"
		    "X-Forwarded-For: 10.1.2.3, 10.0.0.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 404 Not Found\r\n"
		    "Server: nginx\r\n"
		    "Set-Cookie: s=1\r\n"
		    "Content-Length: 0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /index.html?a=1\n"
	  "C http.uri /index.html?a=1\n"
	  "C http.path /index.html\n"
	  "C http.protocol HTTP/1.1\n"
	  "C http.host example.org\n"
	  "C http.user_agent curl/7.88.1\n"
	  "C http.header Host: Example.ORG:8080\\x0d\\x0aUser-Agent: "
	  "curl/7.88.1\\x0d\\x0aAccept: */*\\x0d\\x0a\n"
	  "asked\n"
	  "C ended\n"
	  "S http.stat_code 200\n"
	  "S http.stat_msg OK\n"
	  "S http.server nginx/1.22.1\n"
	  "known nginx\n"
	  "S http.content_type text/html\n"
	  "S http.header Server: nginx/1.22.1\\x0d\\x0aContent-Type: "
	  "text/html\\x0d\\x0aContent-Length: 5\\x0d\\x0aConnection: "
	  "keep-alive\\x0d\\x0a\n"
	  "S http.response_body hello\n"
	  "S ended\n" REQUEST(
		  "GET",
		  "/favicon.ico") "C http.host example.org\n"
				  "C http.cookie a=b; c=d\n"
				  "C http.referer http://x/\n"
				  "C http.forwarded_for 10.1.2.3, 10.0.0.1\n"
				  "C http.header Host: "
				  "example.org.\\x0d\\x0aReferer: "
				  "http://x/\\x0d\\x0aX-Forwarded-For: "
				  "10.1.2.3, 10.0.0.1\\x0d\\x0a\n"
				  "asked\n"
				  "C ended\n"
				  "S http.stat_code 404\n"
				  "S http.stat_msg Not Found\n"
				  "S http.server nginx\n"
				  "S http.cookie s=1\n"
				  "S http.header Server: "
				  "nginx\\x0d\\x0aContent-Length: 0\\x0d\\x0a\n"
				  "S ended\n" },
	{ "bodies: a length, chunks, a trailer",
	  {
		  { 'C',
		    "POST /up HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 7\r\n"
		    "\r\n"
		    "{\"a\":1}",
		    0 },
		  { 'S',
		    "HTTP/1.1 201 Created\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "3\r\n"
		    "abc\r\n"
		    "00a;x=\"y\"\r\n"
		    "0123456789\r\n"
		    "0\r\n"
		    "Digest: z\r\n"
		    "\r\n",
		    0 },
		  { 'C',
		    "PUT /up HTTP/1.1\r\n"
		    "Transfer-Encoding: Chunked\r\n"
		    "\r\n"
		    "1\n"
		    "a\n"
		    "0\n"
		    "\n",
		    0 },
		  { 'S',
		    "HTTP/1.0 200 OK\r\n"
		    "\r\n"
		    "all until the end",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/up") "C http.host h\n"
			 "C http.content_type application/json\n"
			 "C http.header Host: h\\x0d\\x0aContent-Type: "
			 "application/json\\x0d\\x0aContent-Length: "
			 "7\\x0d\\x0a\n"
			 "asked\n"
			 "C http.request_body {\"a\":1}\n"
			 "C ended\n"
			 "S http.stat_code 201\n"
			 "S http.stat_msg Created\n"
			 "S http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
			 "S http.response_body abc0123456789\n"
			 "S http.header Digest: z\\x0d\\x0a\n"
			 "S ended\n" REQUEST(
				 "PUT",
				 "/up") "C http.header Transfer-Encoding: "
					"Chunked\\x0d\\x0a\n"
					"asked\n"
					"C http.request_body a\n"
					"C ended\n"
					"S http.stat_code 200\n"
					"S http.stat_msg OK\n" },
	{ "answers that have no body",
	  {
		  { 'C',
		    "HEAD /a HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "\r\n"
		    "GET /b HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "\r\n"
		    "GET /c HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Length: 1000\r\n"
		    "\r\n"
		    "HTTP/1.1 304 Not Modified\r\n"
		    "Content-Length: 9\r\n"
		    "\r\n"
		    "HTTP/1.1 204 No Content\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "HEAD",
		  "/a") "C http.host h\n"
			"C http.header Host: h\\x0d\\x0a\n"
			"asked\n"
			"C ended\n" REQUEST(
				"GET",
				"/b") "C http.host h\n"
				      "C http.header Host: h\\x0d\\x0a\n"
				      "asked\n"
				      "C ended\n" REQUEST(
					      "GET",
					      "/c") "C http.host h\n"
						    "C http.header Host: "
						    "h\\x0d\\x0a\n"
						    "asked\n"
						    "C ended\n"
						    "S http.stat_code 200\n"
						    "S http.stat_msg OK\n"
						    "S http.header "
						    "Content-Length: "
						    "1000\\x0d\\x0a\n"
						    "S ended\n"
						    "S http.stat_code 304\n"
						    "S http.stat_msg Not "
						    "Modified\n"
						    "S http.header "
						    "Content-Length: "
						    "9\\x0d\\x0a\n"
						    "S ended\n"
						    "S http.stat_code 204\n"
						    "S http.stat_msg No "
						    "Content\n"
						    "S ended\n" },
	{ "100-continue",
	  {
		  { 'C',
		    "POST /a HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "Expect: 100-continue\r\n"
		    "Content-Length: 2\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 100 Continue\r\n"
		    "\r\n",
		    0 },
		  { 'C', "ab", 0 },
		  { 'S',
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Length: 2\r\n"
		    "\r\n"
		    "ok",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/a") "C http.host h\n"
			"C http.header Host: h\\x0d\\x0aExpect: "
			"100-continue\\x0d\\x0aContent-Length: 2\\x0d\\x0a\n"
			"asked\n"
			"S http.stat_code 100\n"
			"S http.stat_msg Continue\n"
			"S ended\n"
			"C http.request_body ab\n"
			"C ended\n"
			"S http.stat_code 200\n"
			"S http.stat_msg OK\n"
			"S http.header Content-Length: 2\\x0d\\x0a\n"
			"S http.response_body ok\n"
			"S ended\n" },
	{ "WebSocket",
	  {
		  { 'C',
		    "GET /chat HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "Connection: Upgrade\r\n"
		    "Upgrade: websocket\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Upgrade: WebSocket\r\n"
		    "\r\n"
		    "\201\005hello",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET",
		  "/chat") "C http.host h\n"
			   "C http.header Host: h\\x0d\\x0aConnection: "
			   "Upgrade\\x0d\\x0aUpgrade: websocket\\x0d\\x0a\n"
			   "asked\n"
			   "C ended\n"
			   "S http.stat_code 101\n"
			   "S http.stat_msg Switching Protocols\n"
			   "S http.header Upgrade: WebSocket\\x0d\\x0a\n"
			   "S ended\n"
			   "known websocket\n"
			   "over\n" },
	{ "HTTP/2 by upgrade",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "Upgrade: h2c\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Upgrade: h2c\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET",
		  "/") "C http.host h\n"
		       "C http.header Host: h\\x0d\\x0aUpgrade: h2c\\x0d\\x0a\n"
		       "asked\n"
		       "C ended\n"
		       "S http.stat_code 101\n"
		       "S http.stat_msg Switching Protocols\n"
		       "S http.header Upgrade: h2c\\x0d\\x0a\n"
		       "S ended\n"
		       "known http2\n" },
	{ "an upgrade that is refused",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "Upgrade: h2c\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Length: 0\r\n"
		    "\r\n",
		    0 },
		  { 'C',
		    "GET /2 HTTP/1.1\r\n"
		    "Host: h\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET",
		  "/") "C http.host h\n"
		       "C http.header Host: h\\x0d\\x0aUpgrade: h2c\\x0d\\x0a\n"
		       "asked\n"
		       "C ended\n"
		       "S http.stat_code 200\n"
		       "S http.stat_msg OK\n"
		       "S http.header Content-Length: 0\\x0d\\x0a\n"
		       "S ended\n" REQUEST(
			       "GET", "/2") "C http.host h\n"
					    "C http.header Host: h\\x0d\\x0a\n"
					    "asked\n"
					    "C ended\n" },
	{ "a tunnel",
	  {
		  { 'C',
		    "CONNECT Example.org:443 HTTP/1.1\r\n"
		    "Host: example.org:443\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 200 Connection established\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method CONNECT\n"
	  "C http.uri.raw Example.org:443\n"
	  "C http.host example.org\n"
	  "C http.protocol HTTP/1.1\n"
	  "C http.host example.org\n"
	  "C http.header Host: example.org:443\\x0d\\x0a\n"
	  "asked\n"
	  "C ended\n"
	  "S http.stat_code 200\n"
	  "S http.stat_msg Connection established\n"
	  "S ended\n"
	  "over\n" },
	{ "a tunnel that is refused",
	  {
		  { 'C',
		    "CONNECT example.org:443 HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 405 Not Allowed\r\n"
		    "Content-Length: 2\r\n"
		    "\r\n"
		    "no",
		    0 },
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method CONNECT\n"
	  "C http.uri.raw example.org:443\n"
	  "C http.host example.org\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "S http.stat_code 405\n"
	  "S http.stat_msg Not Allowed\n"
	  "S http.header Content-Length: 2\\x0d\\x0a\n"
	  "S http.response_body no\n"
	  "S ended\n" REQUEST("GET", "/") "asked\n"
					  "C ended\n" },
	{ "software, each told once",
	  {
		  { 'C',
		    "GET /wp-content/a.css HTTP/1.1\r\n"
		    "\r\n"
		    "GET /wp-content/b.css HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 204 a\r\n"
		    "Server: Apache/2.4\r\n"
		    "X-Etcd-Cluster-Id: 7\r\n"
		    "X-Elastic-Product: Elasticsearch\r\n"
		    "\r\n"
		    "HTTP/1.1 204 a\r\n"
		    "Server: Apache/2.4\r\n"
		    "X-Powered-By: Express\r\n"
		    "X-Consul-Index: 3\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /wp-content/a.css\n"
	  "C http.uri /wp-content/a.css\n"
	  "C http.path /wp-content/a.css\n"
	  "known wordpress\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n" REQUEST(
		  "GET",
		  "/wp-content/b.css") "asked\n"
				       "C ended\n"
				       "S http.stat_code 204\n"
				       "S http.stat_msg a\n"
				       "S http.server Apache/2.4\n"
				       "known apache\n"
				       "known etcd\n"
				       "known elasticsearch\n"
				       "S http.header Server: "
				       "Apache/2.4\\x0d\\x0aX-Etcd-Cluster-Id: "
				       "7\\x0d\\x0aX-Elastic-Product: "
				       "Elasticsearch\\x0d\\x0a\n"
				       "S ended\n"
				       "S http.stat_code 204\n"
				       "S http.stat_msg a\n"
				       "S http.server Apache/2.4\n"
				       "known nodejs\n"
				       "known consul\n"
				       "S http.header Server: "
				       "Apache/2.4\\x0d\\x0aX-Powered-By: "
				       "Express\\x0d\\x0aX-Consul-Index: "
				       "3\\x0d\\x0a\n"
				       "S ended\n" },
	{ "software, further",
	  {
		  { 'C',
		    "GET /1 HTTP/1.1\r\n"
		    "\r\n"
		    "GET /2 HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 401 a\r\n"
		    "Server: Jetty(9.4)\r\n"
		    "WWW-Authenticate: basic realm=\"ActiveMQRealm\"\r\n"
		    "Content-Length: 0\r\n"
		    "\r\n"
		    "HTTP/1.1 401 a\r\n"
		    "Server: CouchDB/3.2\r\n"
		    "WWW-Authenticate: Basic realm=\"RabbitMQ Management\"\r\n"
		    "Content-Length: 0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET",
		  "/1") "asked\n"
			"C ended\n" REQUEST(
				"GET",
				"/2") "asked\n"
				      "C ended\n"
				      "S http.stat_code 401\n"
				      "S http.stat_msg a\n"
				      "S http.server Jetty(9.4)\n"
				      "known jetty\n"
				      "known activemq\n"
				      "S http.header Server: "
				      "Jetty(9.4)\\x0d\\x0aWWW-Authenticate: "
				      "basic "
				      "realm="
				      "\"ActiveMQRealm\"\\x0d\\x0aContent-"
				      "Length: 0\\x0d\\x0a\n"
				      "S ended\n"
				      "S http.stat_code 401\n"
				      "S http.stat_msg a\n"
				      "S http.server CouchDB/3.2\n"
				      "known couchdb\n"
				      "known rabbitmq\n"
				      "S http.header Server: "
				      "CouchDB/3.2\\x0d\\x0aWWW-Authenticate: "
				      "Basic realm=\"RabbitMQ "
				      "Management\"\\x0d\\x0aContent-Length: "
				      "0\\x0d\\x0a\n"
				      "S ended\n" },
	{ "not HTTP/1: HTTP/2",
	  {
		  { 'C',
		    "PRI * HTTP/2.0\r\n"
		    "\r\n"
		    "SM\r\n"
		    "\r\n",
		    0 },
	  },
	  "unknown\n" },
	{ "not HTTP: SIP",
	  {
		  { 'C',
		    "OPTIONS sip:a@b SIP/2.0\r\n"
		    "\r\n",
		    0 },
	  },
	  "unknown\n" },
	{ "not HTTP: a word and a line",
	  {
		  { 'C', "EHLO example.org\r\n", 0 },
	  },
	  "unknown\n" },
	{ "not HTTP: bytes",
	  {
		  { 'C', "\026\003\001\002", 0 },
	  },
	  "unknown\n" },
	{ "answers that are no HTTP",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S', "220 ftp\r\n", 0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n"
					   "S note malformed\n"
					   "lost\n" },
	{ "a status that is none",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 20 OK\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n"
					   "S note malformed\n"
					   "lost\n" },
};

static void talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void say(struct talk *t, char who, const char *text)
{
	talk_say(t, who == 'C' ? PROTO_CLIENT : PROTO_SERVER,
		 bytes_of(text, strlen(text)));
}

/* What is heard after `text`, of a conversation so far. */
static void check_end(struct talk *t, const char *want)
{
	const char *heard = talk_heard(t);
	size_t len = strlen(heard), tail = strlen(want);

	if (tail > len || strcmp(heard + len - tail, want) != 0)
		fail_msg("%swanted at its end:\n%s", heard, want);
	talk_free(t);
}

/* asked is before the last byte of a head has gone on, and ends all. */
static void refused(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_refuse(t, 2);
	say(t, 'C', "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r");
	say(t, 'C', "\n");
	say(t, 'S', "HTTP/1.1 200 OK\r\n\r\n");
	check_end(t, "C http.protocol HTTP/1.1\nasked: no\nover\n");
}

static void ends(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	say(t, 'C', "GET / HTTP/1.1\r\n\r\n");
	say(t, 'S', "HTTP/1.1 200 OK\r\n\r\nall of it");
	talk_end(t, PROTO_SERVER);
	check_end(t, "S http.response_body all of it\nS ended\n");

	t = talk_new(false, false);
	say(t, 'C', "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf");
	talk_end(t, PROTO_CLIENT);
	check_end(t, "asked\nC http.request_body half\nC ended\n");

	/* nothing of a line that was left is looked for behind the end */
	t = talk_new(false, false);
	say(t, 'C', "GET / HTTP/1.1\r\nHost: something long\r");
	talk_end(t, PROTO_CLIENT);
	say(t, 'C', "more");
	say(t, 'C', "GET /2 HTTP/1.1\r\n\r\n");
	check_end(t, REQUEST("GET", "/2") "asked\nC ended\n");

	/* a head without its last lines */
	t = talk_new(false, false);
	say(t, 'C', "GET / HTTP/1.1\r\nHost: h");
	talk_end(t, PROTO_CLIENT);
	check_end(t, "C http.host h\nC note malformed\n"
		     "C http.header Host: h\\x0d\\x0a\nasked\nC ended\n");
}

/* What is missing is not guessed; the next message is found. */
static void gaps(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	say(t, 'C', "HEAD / HTTP/1.1\r\nHost: a");
	talk_gap(t, PROTO_CLIENT);
	say(t, 'C', "something of a body\r\n\r\n");
	say(t, 'C', "GET /next HTTP/1.1\r\n\r\n");
	check_end(t, "C ended\n" REQUEST("GET", "/next") "asked\nC ended\n");

	/* it is told of before there is anything behind it */
	t = talk_new(false, false);
	say(t, 'C', "GET / HTTP/1.1\r\nHost: something long");
	talk_gap(t, PROTO_CLIENT);
	say(t, 'C', "");
	say(t, 'C', "x");
	say(t, 'C', "GET /next HTTP/1.1\r\n\r\n");
	check_end(t, "C ended\n" REQUEST("GET", "/next") "asked\nC ended\n");

	t = talk_new(false, false);
	say(t, 'C', "HEAD / HTTP/1.1\r\n\r\n");
	say(t, 'S', "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
	talk_gap(t, PROTO_SERVER);
	say(t, 'S', "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
	check_end(t, "S http.stat_code 404\nS http.stat_msg No\n"
		     "S http.header Content-Length: 2\\x0d\\x0a\n"
		     "S http.response_body no\nS ended\n");
}

/* The beginning was not seen; also an answer tells. */
static void midstream(void **state)
{
	struct talk *t = talk_new(false, true);

	(void)state;
	say(t, 'S', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	say(t, 'C', "GET / HTTP/1.1\r\n\r\n");
	check_end(t, "S ended\n" REQUEST("GET", "/") "asked\nC ended\n");
}

/* Bodies nobody wants are passed over, and where they end is known still. */
static void bodies_unwanted(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_unwanted(t, FIELD_HTTP_REQUEST_BODY);
	talk_unwanted(t, FIELD_HTTP_RESPONSE_BODY);
	talk_unwanted(t, FIELD_HTTP_HEADER);
	say(t, 'C', "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
	say(t, 'S', "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(t, 'S', "3\r\nabc\r\n0\r\n\r\nHTTP/1.1 204 OK\r\n\r\n");
	check_end(t, REQUEST("POST", "/1") "asked\nC ended\n"
					   "S http.stat_code 200\n"
					   "S http.stat_msg OK\nS ended\n"
					   "S http.stat_code 204\n"
					   "S http.stat_msg OK\nS ended\n");
}

/* More requests than are remembered. */
static void pipelined(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	for (unsigned i = 0; i < HTTP_PENDING_MAX; i++)
		say(t, 'C', "HEAD / HTTP/1.1\r\n\r\n");
	for (unsigned i = 0; i < HTTP_PENDING_MAX; i++)
		say(t, 'S', "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	say(t, 'C', "GET / HTTP/1.1\r\n\r\n");
	say(t, 'S', "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	assert_null(strstr(talk_heard(t), "note"));
	for (unsigned i = 0; i < HTTP_PENDING_MAX + 1; i++)
		say(t, 'C', "HEAD / HTTP/1.1\r\n\r\n");
	check_end(t,
		  "C http.protocol HTTP/1.1\nC note limit\nasked\nC ended\n");
}

/* before, n times of `c`, after: as one chunk, or in some of 7 bytes. */
static struct talk *say_long(const char *before, char c, size_t n,
			     const char *after, size_t most)
{
	size_t len = strlen(before) + n + strlen(after);
	struct talk *t = talk_new(false, false);
	char *text = malloc(len);
	struct outbytes o;

	assert_non_null(text);
	memset(text, c, len);
	o = outbytes_of(text, len);
	put_copy(&o, before, strlen(before));
	o.at += n;
	put_copy(&o, after, strlen(after));
	for (size_t at = 0; at < len; at += most)
		talk_say(
			t, PROTO_CLIENT,
			bytes_of(text + at, len - at < most ? len - at : most));
	free(text);
	return t;
}

/* limits: table */
static const struct long_line {
	const char *name, *before, *after, *want;
	size_t n; /* 0: that the line is as long as it may be, and one more */
} longs[] = {
	{ "longest target", "GET /", " HTTP/1.1\r\n\r\n",
	  "C http.protocol HTTP/1.1\nasked\nC ended\n", 0 },
	{ "longer target", "GET /", " HTTP/1.1\r\nHost: h\r\n\r\n",
	  "~\nC http.protocol HTTP/1.1\nC http.host h\n"
	  "C http.header Host: h\\x0d\\x0a\nasked\nC ended\n",
	  9000 },
	{ "longer, HTTP/0.9", "GET /", "\r\n", "~\nasked\nC ended\n", 9000 },
	{ "longest header", "GET / HTTP/1.1\r\nReferer: ", "\r\n\r\n",
	  "\\x0d\\x0a\nasked\nC ended\n", 0 },
	{ "longer header",
	  "GET / HTTP/1.1\r\nReferer: ", "\r\n z\r\nHost: h\r\n\r\n",
	  "xx\\x0d\\x0a z\\x0d\\x0aHost: h\\x0d\\x0a\nasked\nC ended\n",
	  20000 },
	{ "longer cookie", "GET / HTTP/1.1\r\nCookie: ", "\r\nHost: h\r\n\r\n",
	  "x~\nC http.host h\nC http.header Host: h\\x0d\\x0a\n"
	  "asked\nC ended\n",
	  20000 },
	{ "framing in it", "POST / HTTP/1.1\r\nContent-Length: ", "\r\n\r\n",
	  "lost\n", 9000 },
};

static void long_line(const struct long_line *l, size_t n, bool noted)
{
	struct talk *whole =
		say_long(l->before, 'x', n, l->after, SIZE_MAX / 2);
	struct talk *cut = say_long(l->before, 'x', n, l->after, 7);

	assert_string_equal(talk_heard(whole), talk_heard(cut));
	assert_row(l->name,
		   noted == !!strstr(talk_heard(cut), "C note limit\n"));
	talk_free(whole);
	if (noted && l->n == 0)
		talk_free(cut);
	else
		check_end(cut, l->want);
}

/* Around the longest line, and far beyond it. */
static void long_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(longs); i++) {
		const char *header = strstr(longs[i].before, "Referer");
		size_t n = HTTP_LINE_MAX -
			   strlen(header ? header : "GET / HTTP/1.1");

		if (longs[i].n) {
			long_line(&longs[i], longs[i].n, true);
			continue;
		}
		long_line(&longs[i], n, false);
		long_line(&longs[i], n + 1, true);
	}
}

/* Headers without end are read on, and noted once. */
static void many_headers(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	say(t, 'C', "GET / HTTP/1.1\r\n");
	for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++)
		say(t, 'C', "A: b\r\n");
	assert_null(strstr(talk_heard(t), "note"));
	for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++)
		say(t, 'C', "A: b\r\n");
	say(t, 'C', "Host: h\r\n\r\n");
	assert_non_null(strstr(talk_heard(t), "C note limit\nC http.host h\n"));
	check_end(t, "Host: h\\x0d\\x0a\nasked\nC ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(refused),
		cmocka_unit_test(ends),
		cmocka_unit_test(gaps),
		cmocka_unit_test(midstream),
		cmocka_unit_test(bodies_unwanted),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(many_headers),
	};

	talk_parser = &proto_http;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
