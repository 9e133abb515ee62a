/*
 * What an API server says, read: objects, pages and events as told of, or why not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kubernetes_read.h"
#include "test.h"

/* want: NULL: it is none; "": it is not there. */
static const struct {
	const char *name;
	enum kube_kind kind;
	const char *text, *want;
} objects[] = {
	{ "namespace", KUBE_NAMESPACES,
	  "{'metadata':{'name':'shop','uid':'u','labels':{'team':'a'}}}",
	  "{'name':'shop','labels':{'kubernetes.io/metadata.name':'shop',"
	  "'team':'a'}}" },
	{ "a label that is another's name", KUBE_NAMESPACES,
	  "{'metadata':{'name':'shop','uid':'u','labels':{'x':1}}}",
	  "{'name':'shop','labels':{'kubernetes.io/metadata.name':'shop'}}" },
	{ "pod", KUBE_PODS,
	  "{'metadata':{'name':'web-0','namespace':'shop','uid':'u-1','labels':"
	  "{'app':'web'},'ownerReferences':[{'kind':'X','name':'y'},{'kind':"
	  "'StatefulSet','name':'web','controller':true}]},"
	  "'spec':{'nodeName':'n1','initContainers':[{'ports':[{'name':'http',"
	  "'containerPort':1}]}],'containers':[{'ports':[{'name':'http',"
	  "'containerPort':80},{'containerPort':81},{'name':'dns','protocol':"
	  "'UDP','containerPort':53}]},{'ports':[{'name':'dns','protocol':"
	  "'UDP','containerPort':54},{'name':'dns','containerPort':55}]}]},"
	  "'status':{'phase':'Running','podIP':'10.0.0.1','podIPs':[{'ip':"
	  "'10.0.0.1'},{'ip':'fd00::1'}]}}",
	  "{'name':'web-0','namespace':'shop','uid':'u-1','labels':{'app':"
	  "'web'},'owner':'StatefulSet/web','node':'n1','addrs':['10.0.0.1',"
	  "'fd00::1'],'named_ports':{'tcp/http':80,'udp/dns':53,'tcp/dns':"
	  "55}}" },
	{ "pod in the host's network", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'u'},'spec':"
	  "{'hostNetwork':true}}",
	  "{'name':'a','namespace':'b','uid':'u','host_network':true}" },
	{ "pod that waits", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'u'},'status':{'phase'"
	  ":'Pending'}}",
	  "{'name':'a','namespace':'b','uid':'u'}" },
	{ "pod that has ended", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'u'},'status':{'phase'"
	  ":'Succeeded','podIP':'10.0.0.1'}}",
	  "" },
	{ "pod that failed", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'u'},'status':{'phase'"
	  ":'Failed'}}",
	  "" },
	{ "odd members", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'u','labels':[1],"
	  "'ownerReferences':{}},'spec':{'containers':[1,{'ports':[{'name':"
	  "'x','containerPort':70000},{'name':'much-too-long-a-name',"
	  "'containerPort':1},{'name':'x','containerPort':1,'protocol':'ICMP'"
	  "}]}]},'status':{'podIP':'nowhere','podIPs':7}}",
	  "{'name':'a','namespace':'b','uid':'u'}" },
	{ "policy", KUBE_POLICIES,
	  "{'metadata':{'name':'p.x','namespace':'b','uid':'u'},'spec':"
	  "{'podSelector':{}}}",
	  "{'name':'p.x','namespace':'b','spec':{'podSelector':{}}}" },
	{ "policy without a spec", KUBE_POLICIES,
	  "{'metadata':{'name':'p','namespace':'b','uid':'u'}}",
	  "{'name':'p','namespace':'b'}" },
	{ "no uid", KUBE_PODS, "{'metadata':{'name':'a','namespace':'b'}}",
	  NULL },
	{ "uid of a path", KUBE_PODS,
	  "{'metadata':{'name':'a','namespace':'b','uid':'../x'}}", NULL },
	{ "no name", KUBE_PODS, "{'metadata':{'namespace':'b','uid':'u'}}",
	  NULL },
	{ "a name that is none", KUBE_POLICIES,
	  "{'metadata':{'name':'a b','namespace':'b','uid':'u'}}", NULL },
	{ "no namespace", KUBE_POLICIES, "{'metadata':{'name':'a','uid':'u'}}",
	  NULL },
	{ "no object", KUBE_PODS, "[]", NULL },
};

/* With ' for "; to be freed. */
static char *quoted(const char *text)
{
	char *copy = strdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static json_t *value_of(const char *text)
{
	char *json = quoted(text);
	json_t *v = json_loads(json, 0, NULL);

	assert_non_null(v);
	free(json);
	return v;
}

static void test_objects(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(objects); k++) {
		json_t *v = value_of(objects[k].text), *want = NULL;
		struct kube_object o;
		struct err err = { 0 };
		int rc = kube_read_object(objects[k].kind, v, &o, &err);

		assert_row(objects[k].name,
			   rc == (objects[k].want ? 0 : -EBADMSG));
		if (objects[k].want && objects[k].want[0])
			want = value_of(objects[k].want);
		if (want ? !json_equal(o.about, want) : o.about != NULL)
			fail_msg("row \"%s\": %s", objects[k].name,
				 json_dumps(o.about, 0));
		json_decref(want);
		json_decref(v);
		kube_object_done(&o);
	}
}

static const struct {
	const char *name, *line;
	enum kube_event want;
	bool there;
	const char *version;
} events[] = {
	{ "added",
	  "{'type':'ADDED','object':{'metadata':{'name':'a','uid':'u',"
	  "'resourceVersion':'7'}}}\n",
	  KUBE_EVENT_SET, true, "7" },
	{ "modified",
	  "{'type':'MODIFIED','object':{'metadata':{'name':'a','uid':'u',"
	  "'resourceVersion':'8'}}}\n",
	  KUBE_EVENT_SET, true, "8" },
	{ "deleted",
	  "{'type':'DELETED','object':{'metadata':{'name':'a','uid':'u',"
	  "'resourceVersion':'9'}}}\n",
	  KUBE_EVENT_SET, false, "9" },
	{ "bookmark",
	  "{'type':'BOOKMARK','object':{'kind':'Namespace','metadata':"
	  "{'resourceVersion':'12746'}}}\n",
	  KUBE_EVENT_BOOKMARK, false, "12746" },
	{ "expired",
	  "{'type':'ERROR','object':{'kind':'Status','code':410,'reason':"
	  "'Expired','message':'too old'}}\n",
	  KUBE_EVENT_EXPIRED, false, "" },
	{ "another error",
	  "{'type':'ERROR','object':{'code':500,'message':'etcd'}}\n",
	  KUBE_EVENT_FAILED, false, "" },
	{ "a version that would be more of a path",
	  "{'type':'ADDED','object':{'metadata':{'name':'a','uid':'u',"
	  "'resourceVersion':'7&x=1'}}}\n",
	  KUBE_EVENT_SET, true, "" },
	{ "no type", "{'object':{}}\n", KUBE_EVENT_BAD, false, "" },
	{ "no object", "{'type':'ADDED'}\n", KUBE_EVENT_BAD, false, "" },
	{ "no JSON", "rubbish\n", KUBE_EVENT_BAD, false, "" },
};

static void test_events(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(events); k++) {
		char *line = quoted(events[k].line);
		struct kube_object o;
		struct err err = { 0 };
		enum kube_event e = kube_read_event(KUBE_NAMESPACES, line,
						    strlen(line), &o, &err);

		assert_row(events[k].name, e == events[k].want);
		assert_row(events[k].name,
			   (o.about != NULL) == events[k].there);
		assert_row(events[k].name,
			   strcmp(o.version, events[k].version) == 0);
		kube_object_done(&o);
		free(line);
	}
}

static const struct {
	const char *name, *text;
	const char *version; /* NULL: it is none */
	size_t n;
	const char *more;
} pages[] = {
	{ "last", "{'metadata':{'resourceVersion':'5'},'items':[{},{}]}", "5",
	  2, NULL },
	{ "with another behind",
	  "{'metadata':{'resourceVersion':'5','continue':'abc'},'items':[{}]}",
	  "5", 1, "abc" },
	{ "of nothing, as Go says it",
	  "{'metadata':{'resourceVersion':'5'},'items':null}", "5", 0, NULL },
	{ "no version", "{'metadata':{},'items':[]}", NULL, 0, NULL },
	{ "no items", "{'metadata':{'resourceVersion':'5'}}", NULL, 0, NULL },
	{ "a status", "{'kind':'Status','code':403}", NULL, 0, NULL },
	{ "no JSON", "<html>", NULL, 0, NULL },
};

static void test_pages(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(pages); k++) {
		char *text = quoted(pages[k].text);
		struct kube_page p = { .whole = NULL };
		struct err err = { 0 };
		int rc = kube_read_page(text, strlen(text), &p, &err);

		assert_row(pages[k].name,
			   rc == (pages[k].version ? 0 : -EBADMSG));
		if (rc == 0) {
			assert_string_equal(p.version, pages[k].version);
			assert_int_equal(json_array_size(p.items), pages[k].n);
			assert_row(pages[k].name, !p.more == !pages[k].more);
			if (p.more)
				assert_string_equal(p.more, pages[k].more);
		}
		kube_page_done(&p);
		free(text);
	}
}

static void test_split(void **state)
{
	static char endless[KUBE_OBJECT_BYTES_MAX + 1];

	memset(endless, 'x', sizeof endless);
	assert_int_equal(kube_split("ab\ncd\n", 6), 3);
	assert_int_equal(kube_split("ab", 2), 0);
	assert_int_equal(kube_split(endless, sizeof endless), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
