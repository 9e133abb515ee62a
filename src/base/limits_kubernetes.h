/* Limits of what is read of a Kubernetes API server, and of what comes of it. */
#pragma once

/* A port's name with NUL, as Kubernetes has it. Longer: EINVAL. */
#define KUBE_PORT_NAME_MAX 16
/*
 * Pods that are followed: what a cluster of 1,000 nodes has at 30 a node, some 40
 * MB. More: not known, so that selectors do not select them; counted, and told.
 */
#define KUBE_PODS_MAX 32768
/* Likewise. */
#define KUBE_NAMESPACES_MAX 8192
/* Likewise; a group and three rules each at least. More: isolate nobody, told. */
#define KUBE_POLICIES_MAX 4096
/* Objects of one page of a list: the API server's own clients ask for 500. */
#define KUBE_PAGE_OBJECTS 250
/*
 * Bytes of a page, and of an object: etcd takes 1.5 MiB, JSON is longer. A page
 * that is longer: the list is not read, told as down. An object: skipped, told.
 */
#define KUBE_PAGE_BYTES_MAX   (64u << 20)
#define KUBE_OBJECT_BYTES_MAX (4u << 20)
/* Bytes of changes that wait to be read: two of the longest. */
#define KUBE_WATCH_BYTES_MAX (8u << 20)
/* Pages of a list: more than there are objects. More: as a page too long. */
#define KUBE_PAGES_MAX 4096
/* A list's token of its next page, with NUL: some hundred bytes. Longer: as those. */
#define KUBE_CONTINUE_MAX 4096
/* A token with NUL. Longer: the source is down. */
#define KUBE_TOKEN_MAX (16u << 10)
/* resourceVersion with NUL: a number of etcd's. Longer: listed again. */
#define KUBE_VERSION_MAX 64
/* Ports with a name, and addresses of a pod. More: left out. */
#define KUBE_PORTS_MAX 256
#define KUBE_ADDRS_MAX 8
/*
 * So long a watch is asked for. The server ends it; one that has not after a
 * minute more is held to be dead, as one whose peer went without a word is.
 */
#define KUBE_WATCH_S	    240
#define KUBE_WATCH_GRACE_MS 60000
/* Tried again after a failure: from, doubled each time, to; half of it by chance. */
#define KUBE_RETRY_MS	   500
#define KUBE_RETRY_LONG_MS 30000
/* Watches that end at once are begun again after so long. */
#define KUBE_AGAIN_MS 200
/* Changes of policies come in bursts; this long they are gathered. */
#define KUBE_GATHER_MS 50
/* What is known is written down so long after it changed, for the next start. */
#define KUBE_KEEP_MS 10000
/* Policies told one by one in `weir status` as not understood. More: counted. */
#define KUBE_TOLD_MAX 16
/* ipBlocks that a group of addresses is written as. More: told as not said. */
#define KUBE_BLOCKS_MAX 4096
