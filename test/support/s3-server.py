"""
OpenStack Swift with its S3 API, all parts in one process, on the loopback interface: a strict server for the tests. It checks
V4 signatures, MD5 and SHA-256 of bodies, the least size of parts, and keeps files on disk.

    /usr/bin/python3 s3-server.py <empty folder>

Needs Debian's python3-swift. Prints the port when it is up, and ends with its standard input.
"""
import eventlet
eventlet.monkey_patch()

import os
import sys
from array import array

folder = sys.argv[1]
conf_file = os.path.join(folder, 'swift.conf')
with open(conf_file, 'w') as conf:
    conf.write('[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = default\ndefault = yes\n')

from swift.common import utils
utils.SWIFT_CONF_FILE = conf_file
from swift.common import storage_policy
storage_policy.reload_storage_policies()

from swift.account import server as account_server
from swift.common.middleware import catch_errors, copy, listing_formats, slo, tempauth
from swift.common.middleware.s3api import s3api
from swift.common.ring import RingData
from swift.container import server as container_server
from swift.obj import server as object_server
from swift.proxy import server as proxy_server

os.makedirs(os.path.join(folder, 'device', 'tmp'))
base = {
    'devices': folder, 'swift_dir': folder, 'mount_check': 'false', 'disable_fallocate': 'true', 'fallocate_reserve': '0',
    'log_level': 'ERROR', 'bind_ip': '127.0.0.1', 'account_autocreate': 'true', 'node_timeout': '60', 'conn_timeout': '10',
    'client_timeout': '30', 'workers': '0',
}


def listen():
    return eventlet.listen(('127.0.0.1', 0), backlog=512)


def serve(socket, app):
    # Errors of connections that a test cuts belong to that test.
    eventlet.spawn(eventlet.wsgi.server, socket, app, open(os.devnull, 'w'), max_size=512, debug=False)


backends = {'account': account_server.AccountController, 'container': container_server.ContainerController,
            'object': object_server.ObjectController}
sockets = {name: listen() for name in backends}
for name, socket in sockets.items():
    device = {'id': 0, 'zone': 0, 'region': 1, 'weight': 1.0, 'device': 'device', 'ip': '127.0.0.1',
              'port': socket.getsockname()[1], 'replication_ip': '127.0.0.1', 'replication_port': socket.getsockname()[1]}
    RingData([array('H', [0])], [device], 32).save(os.path.join(folder, '%s.ring.gz' % name))
for name, make in backends.items():
    serve(sockets[name], make(base))



class Cache:
    """What memcached is to Swift: nothing is remembered, so every answer is fresh."""

    @staticmethod
    def filter_factory(conf):
        return Cache

    def __init__(self, app):
        self.app = app

    def __call__(self, env, start_response):
        env['swift.cache'] = self
        return self.app(env, start_response)

    def get(self, key, **options):
        return None

    def set(self, key, value, **options):
        pass

    def delete(self, key, **options):
        pass


accounts = {'user_test_tester': 'test-secret-key .admin'}
app = proxy_server.Application(base)
# From the inside out, in the order that Swift's own sample configuration names.
for make, conf in (
    (slo, {'max_manifest_segments': '10000', 'rate_limit_after_segment': '100000'}),
    (copy, {}),
    (tempauth, accounts),
    (s3api, {'location': 'us-east-1', 's3_acl': 'false', 'max_upload_part_num': '10000', 'auth_pipeline_check': 'false',
             'max_parts_listing': '1000', 'dns_compliant_bucket_names': 'true'}),
    (listing_formats, {}),
    (Cache, {}),
    (catch_errors, {}),
):
    app = make.filter_factory(dict(base, **conf))(app)

front = listen()
serve(front, app)
print(front.getsockname()[1], flush=True)
eventlet.tpool.execute(sys.stdin.buffer.read)
os._exit(0)
