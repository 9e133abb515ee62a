"""What ordinary clients and applications send, and looks like attacks to a rule that is written badly.
No rule of rules/builtin.rules may be told of any of it."""
import json
import random

FORM, XML = "application/x-www-form-urlencoded", "application/xml"
CHROME = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36")


def get(uri, **headers):
    return ("GET", uri, headers, None)


def post(uri, body, type="application/json", **headers):
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    return ("POST", uri, dict(headers, Content_Type=type), body)


def multipart(*parts):
    out = ""
    for name, value, extra in parts:
        out += f"------frontier\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n"
    return out + "------frontier--\r\n"


MULTI = "multipart/form-data; boundary=----frontier"
RANDOM = random.Random(7)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def noise(n):
    return "".join(RANDOM.choice(LETTERS) for _ in range(n))


README = """# Set-up

Clone, then run `make && make install`; or `curl -fsSL https://get.example.org/install.sh | sh`.
Settings are read from `${HOME}/.config/app.yml`, or `$(pwd)/app.yml`; in templates write `${name}`,
`${user.name:-nobody}` and `{{ page.title }}`. Paths like ../docs/guide.md and ../../README.md are fine.

```sh
for f in *.txt; do echo "$f"; cat "$f" | sort | uniq -c; done
export PATH=$PATH:/usr/local/bin
id=$(docker ps -q); sleep 5; ls -l /tmp
```

It's simple: select a plan; drop us a line, or call 1-800-555-0100 -- we're here. Union Station and
Select Committee are names. `WHERE 1=1` is a trick of builders; so is `OR 1=0`.
See class.module in the manual, and `${env:HOME}` and `${lower:X}` of Log4j's lookups.
"""
SQL = ["SELECT id, name FROM users WHERE active = 1 AND role IN ('admin', 'editor') ORDER BY name LIMIT 20",
       "SELECT a.id, b.total FROM a LEFT JOIN b ON a.id = b.a_id WHERE a.id = 5 UNION ALL SELECT 1, 2 FROM c",
       "INSERT INTO posts (title, body) VALUES ('It''s here', 'drop by; or call -- we are open')",
       "UPDATE options SET value = 'a:1:{s:4:\"size\";i:3;}' WHERE name = 'widget' -- by cron",
       "SELECT option_name, option_value FROM wp_options WHERE autoload = 'yes'",
       "SELECT SQL_CALC_FOUND_ROWS wp_posts.ID FROM wp_posts WHERE 1=1 AND (wp_posts.post_type = 'post' OR 1=1) LIMIT 0, 10",
       "SELECT /*+ INDEX(t i) */ a FROM t WHERE b = 'x' OR c = 'x' /* page=/home */",
       "/* app:web,route:/login */ SELECT * FROM users WHERE email = 'o''hara@example.org' OR login = 'o''hara'",
       "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'",
       "SELECT 1 UNION SELECT 2 UNION SELECT 3", "SELECT 1", "SET NAMES utf8mb4", "SELECT @@version_comment LIMIT 1",
       "SELECT SLEEP(0.1)", "DELETE FROM sessions WHERE expires < NOW() - INTERVAL 1 DAY; -- nightly",
       "SELECT * FROM t WHERE (region = 'north' OR 'all' = 'all') AND d >= '2026-01-01'",
       "WITH x AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT * FROM x WHERE a = 1 or a = 2",
       "EXEC sp_executesql N'SELECT name FROM sys.tables WHERE id = @p', N'@p int', @p = 1",
       "DECLARE @now datetime = GETDATE(); EXEC dbo.sp_update_stats -- weekly",
       "SELECT 'a'' or ''1''=''1' AS quoted", "CREATE TABLE t (a INT) /*!50100 PARTITION BY HASH (a) */"]
# what a browser says of a page, and of its parts
PAGES = ["/", "/index.html", "/favicon.ico", "/static/js/main.8f3a2c.chunk.js?v=1.2.3", "/a/b/../c.html", "/./x", "//cdn//a.js",
         "/img/photo%20of%20us%20(1).jpg", "/wiki/Union_(set_theory)", "/wiki/SELECT_(SQL)", "/q/11227809/why-is-a-sorted-array?noredirect=1",
         "/blog/2026/11/how-to-drop-a-table-in-sql", "/docs/v1.2/..well-known", "/.well-known/acme-challenge/x-Y_z", "/wp-content/themes/a/style.css?ver=6.5",
         "/wp-content/uploads/2024/05/photo-1024x768.jpg", "/wp-admin/admin-ajax.php?action=heartbeat", "/index.php?id=12&page=3",
         "/index.php?option=com_content&view=article&id=5:select-one", "/phpmyadmin/index.php?route=/sql&db=shop&table=orders&sql_query=SELECT%20*%20FROM%20orders",
         "/api/v1/users/42?fields=id,name,class.name&sort=-created&filter[status]=active&filter[price][$gt]=5",
         "/api?$filter=Name%20eq%20%27O%27%27Brien%27%20or%20Age%20gt%205&$select=Name,Age&$orderby=Age%20desc",
         "/search?q=union+select+committee", "/search?q=select+*+from+where+i+stand", "/search?q=rock+%27n%27+roll+or+jazz", "/search?q=1+or+2",
         "/search?q=what%27s+the+difference+between+%27a%27+and+%27b%27", "/search?q=50%25+off", "/search?q=C%2B%2B+or+C%23", "/search?q=a%3Db%26c%3Dd",
         "/search?q=how+to+cat+a+file+in+linux", "/search?q=id%3Bname", "/search?q=%22exact+phrase%22+or+%22another%22", "/search?q=order+by+price",
         "/search?q=sleep(5)+in+python", "/search?q=drop+table+lamp%3B+ikea", "/search?q=cats+%26%26+dogs", "/search?q=tom+%7C+jerry", "/search?q=%24%7Bvariable%7D",
         "/search?q=${name}", "/search?q=a;b;c", "/cart?add=5;size=XL;color=red", "/app;jsessionid=0A1B2C3D?x=1", "/map?bbox=-1.5,2.25,3,4&z=10",
         "/calc?e=(1%2B2)*3%3D9", "/calc?a=1&b=1=1", "/t?from=2026-01-01&to=2026-02-01&tz=%2B01:00", "/login?next=/admin/&user=o%27hara", "/login?return=https://example.org/a?b=c",
         "/proxy?url=https://images.example.org/169/254/a.png", "/_next/image?url=%2Fimg%2Flogo.png&w=640&q=75", "/redirect?to=..%2Fhome", "/view?file=report.v1..2.pdf",
         "/download?path=docs/../docs/guide.pdf", "/browse?dir=/var/www/html/site", "/f?path=C:%5CUsers%5Cme%5Cfile.txt", "/editor?open=src/main/java/com/acme/App.java",
         "/a?data=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
         "/a?b64=" + noise(300).replace("+", "%2B"), "/p?x=%F0%9F%98%80&y=%E4%B8%AD%E6%96%87&z=caf%C3%A9", "/p?x=%25E4%25B8%25AD", "/t.gif?u=https%3A%2F%2Fexample.org%2F%3Fa%3D1%26b%3D2",
         "/jenkins/job/a/42/console", "/scripts/app.js", "/script.js?v=2", "/images/php.png", "/uploads/cv.pdf", "/shell.css", "/img/cmd.png", "/env.js", "/git/config.html", "/etc/passwd.html",
         "/solr/core/select?q=*:*&wt=json&rows=10&fl=id,name", "/elastic/_search?q=user:kim", "/actuator/health", "/metrics", "/containers/json?all=1",
         "/grafana/public/plugins/alertlist/img/icn-singlestat-panel.svg", "/console/css/login.css", "/vpn/index.html", "/autodiscover/autodiscover.xml",
         "/think/about/it", "/a?callback=jQuery1124_1764450000&_=1764450001", "/a?q=constructor&b=prototype", "/a?tpl={{name}}", "/a?x=O:8", "/a?time=o:clock", "/i?e=se&p=web&tv=js-3.5.0"]
HEADERS = [dict(Cookie="session=" + noise(120) + "; _ga=GA1.2.1234567890.1764450000; theme=dark; cart=%7B%22id%22%3A1%2C%22n%22%3A%22a%20or%20b%22%7D"),
           dict(Cookie="prefs=a:2:{s:4:\"lang\";s:2:\"en\";s:4:\"size\";i:3;}; PHPSESSID=abcdef0123456789; id=5; user=o'hara"),
           dict(Cookie="__Host-next-auth.csrf-token=" + noise(64) + "%7C" + noise(64) + "; x=(a){b}; f=1 and 2"),
           dict(User_Agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
           dict(User_Agent="Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; .NET CLR 2.0.50727; InfoPath.3)"),
           dict(User_Agent="Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F Build/PPR1.180610.011) {app=1}"),
           dict(User_Agent="() sense of humour {none}"),
           dict(Referer="https://www.example.org/search?q=select+a+union+from+1&x='or'"),
           dict(Referer="https://example.org/a/../b?path=../../c", X_Requested_With="XMLHttpRequest"),
           dict(Authorization="Bearer eyJhbGciOiJSUzI1NiJ9." + noise(300) + "." + noise(86)),
           dict(Authorization="Basic dXNlcjpwYXNzd29yZA=="), dict(X_Forwarded_For="203.0.113.7, 10.0.0.1, 2001:db8::1"),
           dict(Content_Security_Policy_Report_Only="default-src 'self'; script-src 'none' or; report-uri /r"),
           dict(Accept="text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Accept_Language="de-DE,de;q=0.9", If_None_Match="W/\"5f-abc\""),
           dict(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", baggage="userId=alice,route=%2Fselect"),
           dict(X_Template="Hello ${name}, {{user}} %{count}")]
GRAPHQL = {"operationName": "Items", "variables": {"first": 10, "where": {"or": [{"id": {"_eq": 1}}, {"name": {"_like": "%a%"}}]}},
           "query": "query Items($first: Int!, $where: items_bool_exp) { items(limit: $first, where: $where) { id name __typename ... on Book { title } } }"}
BODIES = [
    post("/graphql", GRAPHQL),
    post("/graphql", {"query": "mutation { drop(table: 1) { id } union: select(from: \"a\") { x } }"}),
    post("/api/pages", {"title": "Set-up", "markdown": README}),
    post("/wiki/edit", "title=Set-up&text=" + "".join(c if c.isalnum() else "%%%02X" % ord(c) for c in README), FORM),
    post("/wiki/edit", multipart(("title", "Set-up", ""), ("text", README, "")), MULTI),
    post("/comments", {"text": "It's 5 or 6 o'clock; he said \"union\" -- select one & drop me a line; I'm waiting' or so"}),
    post("/comments", "text=It%27s+5+or+6+o%27clock%3B+select+one+from+the+list+--+or+call+me&author=O%27Hara", FORM),
    post("/login", "user=o%27hara%40example.org&pass=p%40ss%27w0rd%3B--%23&remember=1", FORM),
    post("/login", {"username": "admin", "password": "x' y\" z; $ne {gt} #1--"}),
    post("/grafana/api/ds/query", {"queries": [{"rawSql": s, "format": "table"} for s in SQL]}),
    post("/metabase/api/dataset", {"native": {"query": SQL[1]}, "type": "native"}),
    post("/phpmyadmin/sql", "db=shop&sql_query=" + "".join(c if c.isalnum() else "%%%02X" % ord(c) for c in SQL[1]), FORM),
    post("/adminer", multipart(("sql_file", "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;\nINSERT INTO `a` VALUES (1,'x'),(2,'y');\n"
                               "INSERT INTO `b` VALUES (1);\nUPDATE a SET b=1;\n", "; filename=\"dump.sql\"")), MULTI),
    post("/run", {"language": "python", "code": "import time\nfor i in range(3):\n    time.sleep(1)\nif x == x and 1 == 1 or y:\n    print('select', \"union\")\n"}),
    post("/run", {"language": "js", "code": "function f(a){return a&&a.b||(a=a||{});}\nconst id = `${x}`; let t = '1'; sleep(1000); var c = class { };\nif (a === a || b == 1) {}"}),
    post("/jsonrpc", {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"uri": "file:///srv/me/src/../a.c", "text": "#include \"../../b.h\"\nint main(void) { return system(\"ls\"); }\n"}}),
    post("/_bulk", '{"index":{"_index":"logs"}}\n{"message":"GET /../../etc 404; id=5 or so","level":"warn"}\n', "application/x-ndjson"),
    post("/elastic/_search", {"query": {"bool": {"should": [{"match": {"a": "b"}}], "filter": {"script": {"script": {"source": "doc['a'].value > params.x", "lang": "painless"}}}}}}),
    post("/v1.40/containers/create", {"Image": "alpine", "Cmd": ["sh", "-c", "id; ls /tmp"], "HostConfig": {"Binds": ["/srv/data:/data"]}}),
    post("/k8s/apis/apps/v1/deployments", {"spec": {"template": {"spec": {"containers": [{"command": ["/bin/sh", "-c", "sleep 5 && exec app"], "env": [{"name": "A", "value": "$(HOST)"}]}]}}}}),
    post("/pub", {"type": "text", "base64": noise(4000)}),
    post("/upload", multipart(("f", "%PDF-1.7\n" + noise(3000), "; filename=\"Report (final) v1..2.pdf\"")), MULTI),
    post("/upload", multipart(("f", "<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\" "
                              "[<!ENTITY ns_svg \"http://www.w3.org/2000/svg\">]>\n<svg xmlns=\"&ns_svg;\"/>", "; filename=\"a.svg\"")), MULTI),
    post("/upload", multipart(("theme", "<?php get_header(); ?>\n<h1><?php the_title(); ?></h1>\n<?php if ( have_posts() ) : echo $title; endif; ?>\n", "; filename=\"page.php\"")), MULTI),
    post("/soap", "<?xml version=\"1.0\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Header/><soapenv:Body>"
         "<getOrder><id>5</id><note>1 or 2 &amp; 3; select</note></getOrder></soapenv:Body></soapenv:Envelope>", "text/xml"),
    post("/feed", "<!DOCTYPE html SYSTEM \"about:legacy-compat\"><html><body>a &lt; b or c; <b>it's</b></body></html>", XML),
    post("/docbook", "<!DOCTYPE book [<!ENTITY version \"1.2\"><!ENTITY chap1 SYSTEM \"chap1.xml\">]><book>&version;&chap1;</book>", XML),
    post("/wp-admin/post.php", "action=editpost&post_ID=5&content=%3C!--+wp%3Aparagraph+--%3E%0A%3Cp%3EIt%27s+a+post+about+%3Ccode%3ESELECT+*+FROM+t%3C%2Fcode%3E"
         "%3C%2Fp%3E%0A%3C!--+%2Fwp%3Aparagraph+--%3E&tax_input%5Bpost_tag%5D=union%2Cselect&_wpnonce=0a1b2c3d4e", FORM),
    post("/wp-admin/admin-ajax.php", "action=query-attachments&query%5Borderby%5D=date&query%5Border%5D=DESC&query%5Bposts_per_page%5D=80", FORM),
    post("/drupal/node/add", "form_id=node_form&title%5B0%5D%5Bvalue%5D=%23markup+or+not&body%5B0%5D%5Bformat%5D=basic_html&op=Save", FORM),
    post("/webhook", {"ref": "refs/heads/main", "commits": [{"message": "Merge branch 'a' or 'b'; drop table cache -- see #12", "modified": ["../a/b.c", "src/.env.example"]}]}),
    post("/log", {"level": "error", "message": "java.lang.NullPointerException: class.module was null\n\tat java.lang.Runtime.exec(Runtime.java:347)\n\tat org.apache.commons.collections.Foo"}),
    post("/log", {"msg": "lookup ${ctx:user} and ${date:yyyy} and $${env:X}", "fmt": "%{time} #{id} ${sum + 1}"}),
    post("/typed", {"@type": "type.googleapis.com/google.protobuf.Duration", "@context": "https://schema.org", "value": "1s"}),
    post("/i18n", {"a": "{{count}} items", "b": "{% if user %}Hi{% endif %}", "c": "${price} $_ $$", "d": "<%= name %>", "proto": {"constructor": "Acme"}}),
    post("/compose", "version: '3'\nservices:\n  web:\n    image: nginx\n    command: [\"sh\", \"-c\", \"sleep 5; nginx\"]\n    tags: !!set {a, b}\n", "application/yaml"),
    post("/pipeline", {"steps": [{"run": "npm ci && npm test | tee out.txt; curl -sf https://example.org/health"}]}),
    post("/pay", {"callback": "https://shop.example.org/cb?id=1&or=2", "metadata": {"a": "169.254.1.1"}, "amount": "1=1"}),
    post("/rpc", b"\x00\x00\x00\x10" + bytes(range(256)) * 4, "application/octet-stream"),
    post("/metrics/job/a", "# TYPE a counter\na{path=\"/x\",code=\"200\"} 1 -- \nb{or=\"1\"} 1\n", "text/plain"),
    post("/csv", "id,name,note\n1,\"O'Hara\",\"1 or 1\"\n2,\"=SUM(A1:A2)\",\"union, select\"\n3,'x'='y',-- none\n", "text/csv"),
    post("/mail", {"subject": "Re: 50% off; it's \"now\" or 'never'", "html": "<p>Select your <b>union</b> rep from the list</p><a href='../../a'>x</a>"}),
    post("/sourcemap", {"version": 3, "sources": ["../../../src/a.ts", "../../node_modules/b/index.js", "webpack:///./c.js"], "mappings": "AAAA,SAAS;AACT"}),
    post("/ide/save", {"path": "src/../lib/config.php.dist", "content": "<?php\nreturn ['a' => getenv('A'), 'cmd' => 'id'];\n"}),
]
REQUESTS = [get(p) for p in PAGES] + [get("/", **h) for h in HEADERS] + BODIES


def answers():
    """What servers say: pages that speak of attacks are no attacks on clients."""
    page = README + "\n".join(SQL) + "${jndi:ldap://example.org/a} ' or 1=1 -- <?php eval($_POST['x']); ../../../etc/passwd () { :;};"
    return [("text/html", page), ("application/json", json.dumps({"doc": page}))]
