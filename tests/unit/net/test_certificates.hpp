#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

// Certificates made on the spot, so that none lies in the tree and expires.
namespace wspush::net {

/// What a self-signed certificate says.
struct CertificateSpec {
  std::string names = "DNS:localhost,IP:127.0.0.1";  ///< as in an openssl config; empty: none
  std::string common_name = "test";
  long begins_in_s = -3600;
  long ends_in_s = 3600;
  std::string passphrase;  ///< of the key's file; empty: plain
};

/// A directory with PEM files that goes with the object.
class CertificateDirectory {
 public:
  CertificateDirectory() {
    std::string path = ::testing::TempDir() + "wspush-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~CertificateDirectory() { std::filesystem::remove_all(path_); }
  CertificateDirectory(const CertificateDirectory&) = delete;
  CertificateDirectory& operator=(const CertificateDirectory&) = delete;

  std::string path(const std::string& name) const { return path_ / name; }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    return path(name);
  }

  /// Writes `<name>.pem` and `<name>.key`.
  void make(const std::string& name, const CertificateSpec& spec = {}) const {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509* const x509 = certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), spec.begins_in_s);
    X509_gmtime_adj(X509_getm_notAfter(x509), spec.ends_in_s);
    X509_set_pubkey(x509, key.get());
    X509_NAME* const subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(x509, subject);
    if (!spec.names.empty()) {
      X509_EXTENSION* const names =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, spec.names.c_str());
      ASSERT_NE(names, nullptr);
      X509_add_ext(x509, names, -1);
      X509_EXTENSION_free(names);
    }
    ASSERT_GT(X509_sign(x509, key.get(), EVP_sha256()), 0);
    write_pem(name + ".pem", [&](FILE* file) { return PEM_write_X509(file, x509); });
    write_pem(name + ".key", [&](FILE* file) {
      const bool is_plain = spec.passphrase.empty();
      return PEM_write_PKCS8PrivateKey(file, key.get(), is_plain ? nullptr : EVP_aes_128_cbc(),
                                       is_plain ? nullptr : spec.passphrase.c_str(),
                                       static_cast<int>(spec.passphrase.size()), nullptr, nullptr);
    });
  }

 private:
  template <typename Write>
  void write_pem(const std::string& name, Write&& write_to) const {
    FILE* const file = std::fopen(path(name).c_str(), "w");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(write_to(file), 1);
    std::fclose(file);
  }

  std::filesystem::path path_;
};

}  // namespace wspush::net
