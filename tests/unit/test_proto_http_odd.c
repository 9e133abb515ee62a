/*
 * HTTP/1 as nobody speaks it but who wants to be read differently here and at
 * the server; and what is not HTTP/1.
 */
#include "http_rows.h"
#include "proto/http1.h"
#include "seed.h"

/* limits: table */
static const struct http_row rows[] = {
	{ "blank lines before a request",
	  {
		  { 'C',
		    "\r\n"
		    "\n"
		    "\r\n"
		    "GET / HTTP/1.1\n"
		    "\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n" },
	{ "HTTP/0.9",
	  {
		  { 'C', "GET /a?b\r\n", 0 },
		  { 'S', "<html>", 0 },
		  { 'C', "more", 0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /a?b\n"
	  "C http.uri /a?b\n"
	  "C http.path /a\n"
	  "asked\n"
	  "C ended\n"
	  "C note malformed\n" },
	{ "HTTP/0.9 is asked for, and answered by 1.1",
	  {
		  { 'C', "GET /a\n", 0 },
		  { 'S',
		    "HTTP/1.1 400 Bad\r\n"
		    "Content-Length: 1\r\n"
		    "\r\n"
		    "x",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /a\n"
	  "C http.uri /a\n"
	  "C http.path /a\n"
	  "asked\n"
	  "C ended\n"
	  "S http.stat_code 400\n"
	  "S http.stat_msg Bad\n"
	  "S http.header Content-Length: 1\\x0d\\x0a\n"
	  "S http.response_body x\n"
	  "S ended\n" },
	{ "HTTP/0.9 by another method",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n"
		    "DELETE /a\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n"
					   "C http.method DELETE\n"
					   "C http.uri.raw /a\n"
					   "C http.uri /a\n"
					   "C http.path /a\n"
					   "asked\n"
					   "C ended\n" },
	{ "more blanks, tabs",
	  {
		  { 'C',
		    "GET \t /a\t HTTP/1.1 \r\n"
		    "Host:\th \t\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C note malformed\n" REQUEST("GET",
				       "/a") "C http.host h\n"
					     "C http.header Host: h\\x0d\\x0a\n"
					     "asked\n"
					     "C ended\n" },
	{ "blanks in the target",
	  {
		  { 'C',
		    "GET /a b c HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C note malformed\n" REQUEST("GET", "/a b c") "asked\n"
							"C ended\n" },
	{ "a version in lower case, another number",
	  {
		  { 'C',
		    "get /a http/1.10\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method get\n"
	  "C http.uri.raw /a\n"
	  "C http.uri /a\n"
	  "C http.path /a\n"
	  "C note malformed\n"
	  "C http.protocol http/1.10\n"
	  "asked\n"
	  "C ended\n" },
	{ "no host behind the target's own",
	  {
		  { 'C',
		    "GET HTTP://User@A.example:80?q HTTP/1.1\r\n"
		    "Host: b.example\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw HTTP://User@A.example:80?q\n"
	  "C http.uri /?q\n"
	  "C http.path /\n"
	  "C http.host a.example\n"
	  "C http.protocol HTTP/1.1\n"
	  "C http.host b.example\n"
	  "C http.header Host: b.example\\x0d\\x0a\n"
	  "asked\n"
	  "C ended\n" },
	{ "two hosts",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "Host: a\r\n"
		    "Host: [::1]:80\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET",
			       "/") "C http.host a\n"
				    "C note malformed\n"
				    "C http.host [::1]\n"
				    "C http.header Host: a\\x0d\\x0aHost: "
				    "[::1]:80\\x0d\\x0a\n"
				    "asked\n"
				    "C ended\n" },
	{ "a fragment",
	  {
		  { 'C',
		    "GET /public#/../admin?x HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /public#/../admin?x\n"
	  "C note malformed\n"
	  "C http.uri /public\n"
	  "C http.path /public\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n" },
	{ "a header without a colon",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "foo bar\r\n"
		    "A: b\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET", "/") "C note malformed\n"
			      "C http.header foo bar\\x0d\\x0aA: b\\x0d\\x0a\n"
			      "asked\n"
			      "C ended\n" },
	{ "blanks around a name",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    " Content-Length : 3\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.smuggling\n"
			       "C http.header Content-Length: 3\\x0d\\x0a\n"
			       "asked\n"
			       "C http.request_body abc\n"
			       "C ended\n" },
	{ "folded",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "A: b\r\n"
		    "  c \r\n"
		    "\td\r\n"
		    "E:\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET", "/") "C note malformed\n"
			      "C http.header A: b c d\\x0d\\x0aE: \\x0d\\x0a\n"
			      "asked\n"
			      "C ended\n" },
	{ "folded framing",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding:\r\n"
		    " chunked\r\n"
		    "\r\n"
		    "0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C note malformed\n"
		       "C note http.smuggling\n"
		       "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C ended\n" },
	{ "a lone \\r, NUL",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "A: b\rC: d\r\n"
		    "E: \000f\r\n"
		    "\r\n",
		    36 },
	  },
	  "app http\n" REQUEST("GET", "/") "C note http.smuggling\n"
					   "C note malformed\n"
					   "C http.header A: b\\x0dC: "
					   "d\\x0d\\x0aE: \\x00f\\x0d\\x0a\n"
					   "asked\n"
					   "C ended\n" },
	{ "an upgrade in the middle of a request",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Upgrade: h2c\r\n"
		    "Content-Length: 9\r\n"
		    "\r\n"
		    "half",
		    0 },
		  { 'S',
		    "HTTP/1.1 101 a\r\n"
		    "Upgrade: h2c\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("POST",
			       "/") "C http.header Upgrade: "
				    "h2c\\x0d\\x0aContent-Length: 9\\x0d\\x0a\n"
				    "asked\n"
				    "S http.stat_code 101\n"
				    "S http.stat_msg a\n"
				    "S http.header Upgrade: h2c\\x0d\\x0a\n"
				    "S ended\n"
				    "known http2\n"
				    "S note http.smuggling\nlost\n" },
	{ "an upgrade that nobody has asked for",
	  {
		  { 'C', "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
		  { 'S', "HTTP/1.1 101 a\r\nUpgrade: h2c\r\n\r\n", 0 },
	  },
	  "app http\n" REQUEST("GET",
			       "/") "C http.host a\n"
				    "C http.header Host: a\\x0d\\x0a\n"
				    "asked\n"
				    "C ended\n"
				    "S http.stat_code 101\n"
				    "S http.stat_msg a\n"
				    "S http.header Upgrade: h2c\\x0d\\x0a\n"
				    "S ended\n"
				    "S note malformed\nlost\n" },
	{ "the first header begins with a blank",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    " Host: a\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "C note http.smuggling\n"
					   "C http.host a\n"
					   "C http.header Host: a\\x0d\\x0a\n"
					   "asked\n"
					   "C ended\n" },
	{ "a negative length",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: -5\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.length_negative\n"
			       "C http.header Content-Length: -5\\x0d\\x0a\n"
			       "asked\n"
			       "lost\n" },
	{ "too large a length",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: 9223372036854775808\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST("POST", "/") "C note http.length_negative\n"
					    "C http.header Content-Length: "
					    "9223372036854775808\\x0d\\x0a\n"
					    "asked\n"
					    "lost\n" },
	{ "lengths that are none",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: +3\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.smuggling\n"
			       "C http.header Content-Length: +3\\x0d\\x0a\n"
			       "asked\n"
			       "lost\n" },
	{ "an empty length",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length:\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST("POST",
			       "/") "C note http.smuggling\n"
				    "C http.header Content-Length: \\x0d\\x0a\n"
				    "asked\n"
				    "lost\n" },
	{ "the same length twice",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: 3, 3\r\n"
		    "Content-Length: 03\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST("POST",
			       "/") "C http.header Content-Length: 3, "
				    "3\\x0d\\x0aContent-Length: 03\\x0d\\x0a\n"
				    "asked\n"
				    "C http.request_body abc\n"
				    "C ended\n" },
	{ "two lengths",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: 3\r\n"
		    "Content-Length: 4\r\n"
		    "\r\n"
		    "abcGET / HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.smuggling\n"
			       "C http.header Content-Length: "
			       "3\\x0d\\x0aContent-Length: 4\\x0d\\x0a\n"
			       "asked\n"
			       "C http.request_body abc\n"
			       "C ended\n" REQUEST("GET", "/") "asked\n"
							       "C ended\n" },
	{ "a length and chunks",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Content-Length: 30\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "0\r\n"
		    "\r\n"
		    "GET /smuggled HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Content-Length: "
		       "30\\x0d\\x0aTransfer-Encoding: chunked\\x0d\\x0a\n"
		       "C note http.smuggling\n"
		       "asked\n"
		       "C ended\n" REQUEST("GET", "/smuggled") "asked\n"
							       "C ended\n" },
	{ "chunks not last",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked, identity\r\n"
		    "Content-Length: 3\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.smuggling\n"
			       "C http.header Transfer-Encoding: chunked, "
			       "identity\\x0d\\x0aContent-Length: 3\\x0d\\x0a\n"
			       "asked\n"
			       "C http.request_body abc\n"
			       "C ended\n" },
	{ "a coding that only looks like chunks",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: xchunked\r\n"
		    "Content-Length: 3\r\n"
		    "\r\n"
		    "abc",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST", "/") "C note http.smuggling\n"
			       "C http.header Transfer-Encoding: "
			       "xchunked\\x0d\\x0aContent-Length: 3\\x0d\\x0a\n"
			       "asked\n"
			       "C note http.coding\n"
			       "C http.request_body abc\n"
			       "C ended\n" },
	{ "chunks twice",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: x\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C note http.smuggling\n"
		       "C http.header Transfer-Encoding: "
		       "chunked\\x0d\\x0aTransfer-Encoding: x\\x0d\\x0a\n"
		       "asked\n"
		       "C ended\n" },
	{ "chunks in HTTP/1.0",
	  {
		  { 'C',
		    "POST / HTTP/1.0\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "1\r\n"
		    "a\r\n"
		    "0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method POST\n"
	  "C http.uri.raw /\n"
	  "C http.uri /\n"
	  "C http.path /\n"
	  "C http.protocol HTTP/1.0\n"
	  "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
	  "C note http.smuggling\n"
	  "asked\n"
	  "C http.request_body a\n"
	  "C ended\n" },
	{ "a chunk below 0",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "-1\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.length_negative\n"
		       "lost\n" },
	{ "a chunk of 2 GiB",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "80000000\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.length_negative\n"
		       "lost\n" },
	{ "a chunk that is no number",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "0x3\r\n"
		    "abc\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.smuggling\n"
		       "lost\n" },
	{ "a chunk without size",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    ";a\r\n"
		    "abc\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.smuggling\n"
		       "lost\n" },
	{ "a chunk longer than it says",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "2\r\n"
		    "abc\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.smuggling\n"
		       "lost\n" },
	{ "a lone \\r in a chunk's line",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "2;\rx\r\n"
		    "ab\r\n"
		    "0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.smuggling\n"
		       "C http.request_body ab\n"
		       "C ended\n" },
	{ "framing in a trailer",
	  {
		  { 'C',
		    "POST / HTTP/1.1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "0\r\n"
		    "Content-Length: 5\r\n"
		    "\r\n"
		    "GET /2 HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "POST",
		  "/") "C http.header Transfer-Encoding: chunked\\x0d\\x0a\n"
		       "asked\n"
		       "C note http.smuggling\n"
		       "C http.header Content-Length: 5\\x0d\\x0a\n"
		       "C ended\n" REQUEST("GET", "/2") "asked\n"
							"C ended\n" },
	{ "an answer in chunks with a length",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n",
		    0 },
		  { 'S',
		    "HTTP/1.1 200 OK\r\n"
		    "Content-Length: 1\r\n"
		    "Transfer-Encoding: chunked\r\n"
		    "\r\n"
		    "2\r\n"
		    "ab\r\n"
		    "0\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n" REQUEST(
		  "GET",
		  "/") "asked\n"
		       "C ended\n"
		       "S http.stat_code 200\n"
		       "S http.stat_msg OK\n"
		       "S http.header Content-Length: "
		       "1\\x0d\\x0aTransfer-Encoding: chunked\\x0d\\x0a\n"
		       "S note http.smuggling\n"
		       "S http.response_body ab\n"
		       "S ended\n" },
	{ "no target",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n"
		    "GET\r\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n"
					   "C note malformed\n"
					   "lost\n" },
	{ "bytes instead of a request",
	  {
		  { 'C',
		    "GET / HTTP/1.1\r\n"
		    "\r\n"
		    "\026\003\001\n",
		    0 },
	  },
	  "app http\n" REQUEST("GET", "/") "asked\n"
					   "C ended\n"
					   "C note malformed\n"
					   "lost\n" },
	{ "paths",
	  {
		  { 'C',
		    "GET /a/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n"
		    "\r\n"
		    "GET //x/./y//z/../w/. HTTP/1.1\r\n"
		    "\r\n"
		    "GET /a/..;/b HTTP/1.1\r\n"
		    "\r\n"
		    "GET /%252e%252e/ HTTP/1.1\r\n"
		    "\r\n"
		    "GET /a%00.jpg?%00 HTTP/1.1\r\n"
		    "\r\n"
		    "GET /%c0%ae%c0%ae/%zz% HTTP/1.1\r\n"
		    "\r\n"
		    "OPTIONS * HTTP/1.1\r\n"
		    "\r\n",
		    0 },
	  },
	  "app http\n"
	  "C http.method GET\n"
	  "C http.uri.raw /a/%2e%2e/%2e%2e/etc/passwd\n"
	  "C note http.traversal\n"
	  "C http.uri /etc/passwd\n"
	  "C http.path /etc/passwd\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "C http.method GET\n"
	  "C http.uri.raw //x/./y//z/../w/.\n"
	  "C http.uri /x/y/w/\n"
	  "C http.path /x/y/w/\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "C http.method GET\n"
	  "C http.uri.raw /a/..;/b\n"
	  "C note http.traversal\n"
	  "C http.uri /a/..;/b\n"
	  "C http.path /a/..;/b\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "C http.method GET\n"
	  "C http.uri.raw /%252e%252e/\n"
	  "C note http.double_encoded\n"
	  "C http.uri /%2e%2e/\n"
	  "C http.path /%2e%2e/\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "C http.method GET\n"
	  "C http.uri.raw /a%00.jpg?%00\n"
	  "C note malformed\n"
	  "C http.uri /a\\x00.jpg?%00\n"
	  "C http.path /a\\x00.jpg\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n"
	  "C http.method GET\n"
	  "C http.uri.raw /%c0%ae%c0%ae/%zz%\n"
	  "C note malformed\n"
	  "C note http.traversal\n"
	  "C http.uri /\\xc0\\xae\\xc0\\xae/%zz%\n"
	  "C http.path /\\xc0\\xae\\xc0\\xae/%zz%\n"
	  "C http.protocol HTTP/1.1\n"
	  "asked\n"
	  "C ended\n" REQUEST("OPTIONS", "*") "asked\n"
					      "C ended\n" },
};

static void odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

#define LINES ARRAY_LEN(rows[0].lines)

/* A conversation that may be any of the rows', or something like it. */
struct mutant {
	char who[LINES];
	uint8_t text[LINES][4096];
	size_t len[LINES];
};

static void mutate(struct mutant *m, uint64_t *random)
{
	static const char bytes[] = "\r\n \t:;,%/.?#0af\377-\\GH";
	const struct http_row *row = &rows[seed_draw(random, ARRAY_LEN(rows))];
	unsigned n = seed_draw(random, 4);

	for (size_t i = 0; i < LINES; i++) {
		const struct talk_line *l = &row->lines[i];

		m->who[i] = l->who;
		m->len[i] = !l->who ? 0 : l->len ? l->len : strlen(l->text);
		assert_true(m->len[i] <= sizeof m->text[i]);
		memcpy(m->text[i], l->who ? l->text : "", m->len[i]);
	}
	while (n-- > 0) {
		size_t i = seed_draw(random, LINES), at;
		uint8_t c = (uint8_t)bytes[seed_draw(random, sizeof bytes - 1)];

		if (m->len[i] == 0)
			continue;
		at = seed_draw(random, (uint32_t)m->len[i]);
		if (seed_draw(random, 2) && m->len[i] < sizeof m->text[i]) {
			memmove(m->text[i] + at + 1, m->text[i] + at,
				m->len[i]++ - at);
		}
		m->text[i][at] = c;
	}
}

/* most: of a chunk; 0: whole lines. */
static struct talk *say_all(const struct mutant *m, size_t most,
			    uint64_t *random)
{
	struct talk *t = talk_new(false, false);

	for (size_t i = 0; i < LINES; i++) {
		for (size_t at = 0, n; at < m->len[i]; at += n) {
			n = most ? 1 + seed_draw(random, (uint32_t)most)
				 : m->len[i];
			if (n > m->len[i] - at)
				n = m->len[i] - at;
			talk_say(t,
				 m->who[i] == 'C' ? PROTO_CLIENT : PROTO_SERVER,
				 bytes_of(m->text[i] + at, n));
		}
	}
	talk_end(t, PROTO_CLIENT);
	talk_end(t, PROTO_SERVER);
	return t;
}

/* However it is cut into segments, the same is heard. */
static void however_cut(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct mutant m;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct talk *whole, *cut;

		mutate(&m, &random);
		whole = say_all(&m, 0, &random);
		cut = say_all(&m, 1 + (size_t)i % 40, &random);
		if (strcmp(talk_heard(whole), talk_heard(cut)) != 0)
			fail_msg("%d: whole:\n%scut:\n%s", i, talk_heard(whole),
				 talk_heard(cut));
		talk_free(whole);
		talk_free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd),
		cmocka_unit_test(however_cut),
	};

	talk_parser = &proto_http;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
