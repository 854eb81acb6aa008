// Drives npm's `alipay-sdk`, Alipay's own for Node: reads one JSON line per call, writes one per answer.
// The client is loaded from the folder it was installed into, which is the first argument.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const { AlipaySdk } = createRequire(join(process.argv[2], 'package.json'))('alipay-sdk')
let client
let isSecret = false
let isChecked = true

async function begin(setup) {
  const settings = {
    appId: setup.app_id,
    privateKey: setup.private_key,
    keyType: 'PKCS8',
    gateway: `http://localhost:${setup.port}/gateway.do`,
    camelcase: false,
  }
  if (setup.app_cert) {
    settings.appCertContent = setup.app_cert
    settings.alipayPublicCertContent = setup.alipay_cert
    settings.alipayRootCertContent = setup.alipay_root_cert
  } else {
    settings.alipayPublicKey = setup.alipay_public_key
  }
  if (setup.aes_key) settings.encryptKey = setup.aes_key
  isSecret = Boolean(setup.aes_key)
  isChecked = !isSecret || Boolean(setup.check_secrets)
  client = new AlipaySdk(settings)
  return null
}

const does = {
  begin,
  call: async ({ method, content, notify_url: notifyUrl }) =>
    client.exec(
      method,
      { bizContent: content, needEncrypt: isSecret, ...(notifyUrl ? { notify_url: notifyUrl } : {}) },
      { validateSign: isChecked, needEncrypt: isSecret },
    ),
  verify: async ({ fields }) => client.checkNotifySignV2(fields),
  numbers: async () => ({
    app_cert_sn: client.config.appCertSn,
    alipay_cert_sn: client.config.alipayCertSn,
    alipay_root_cert_sn: client.config.alipayRootCertSn,
  }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  let answer
  try {
    answer = { said: await does[asked.do](asked) }
  } catch (trouble) {
    answer = { raised: trouble.name, message: trouble.message }
  }
  console.log(JSON.stringify(answer))
}
process.exit(0)
