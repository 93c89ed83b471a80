//! A folder that is granted to read.

use exact::Checks;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, NewTimestamp, OpenFlags, PathFlags};

use crate::{file, open, read};

const READ: DescriptorFlags = DescriptorFlags::READ;

pub(crate) async fn check(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    let none = OpenFlags::empty();
    let own = |path: &str| path.to_owned();
    checks.equal(
        "descriptor.get-flags: a folder granted to read may not be changed",
        fixed.get_flags().await.ok(),
        Some(READ),
    );
    let text = open(fixed, "file", none, READ).await;
    if let Some(text) = checks.good("descriptor.open-at: a file of a folder granted to read", text)
    {
        checks.equal(
            "descriptor.read-via-stream: a file of a folder granted to read",
            read(&text, 0).await.ok(),
            Some(own("text")),
        );
        checks.fails(
            "descriptor.set-times: a file granted to read",
            text.set_times(NewTimestamp::Now, NewTimestamp::Now).await,
            "ReadOnly",
        );
        checks.that(
            "descriptor.set-size: a file granted to read",
            text.set_size(0).await,
            Result::is_err,
        );
    }
    for (name, how, flags) in [
        ("to write", none, DescriptorFlags::WRITE),
        ("to truncate", OpenFlags::TRUNCATE, READ),
        ("to create", OpenFlags::CREATE, READ),
    ] {
        let opened = open(fixed, "file", how, flags).await;
        checks.fails(&format!("descriptor.open-at: {name}, granted to read"), opened, "ReadOnly");
    }
    let opened =
        open(fixed, "folder", OpenFlags::DIRECTORY, DescriptorFlags::MUTATE_DIRECTORY).await;
    checks.fails("descriptor.open-at: to change a folder, granted to read", opened, "ReadOnly");
    changes(checks, data, fixed).await;
}

async fn changes(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    let own = |path: &str| path.to_owned();
    checks.fails(
        "descriptor.create-directory-at: granted to read",
        fixed.create_directory_at(own("new")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.remove-directory-at: granted to read",
        fixed.remove_directory_at(own("folder")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.unlink-file-at: granted to read",
        fixed.unlink_file_at(own("file")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.symlink-at: granted to read",
        fixed.symlink_at(own("file"), own("new")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.link-at: granted to read",
        fixed.link_at(PathFlags::empty(), own("file"), fixed, own("new")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.rename-at: granted to read",
        fixed.rename_at(own("file"), fixed, own("new")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.set-times: a folder granted to read",
        fixed.set_times(NewTimestamp::Now, NewTimestamp::Now).await,
        "ReadOnly",
    );
    let set = fixed
        .set_times_at(PathFlags::empty(), own("file"), NewTimestamp::Now, NewTimestamp::Now)
        .await;
    checks.fails("descriptor.set-times-at: granted to read", set, "ReadOnly");
    drop(file(data, "mine", "text").await);
    checks.fails(
        "descriptor.rename-at: into a folder granted to read",
        data.rename_at(own("mine"), fixed, own("mine")).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.link-at: into a folder granted to read",
        data.link_at(PathFlags::empty(), own("mine"), fixed, own("mine")).await,
        "ReadOnly",
    );
    checks.good(
        "descriptor.stat-at: granted to read",
        fixed.stat_at(PathFlags::empty(), own("file")).await,
    );
}
