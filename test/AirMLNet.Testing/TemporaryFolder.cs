namespace AirMLNet.Testing;

/// <summary>A folder that is gone when the test is over. Where a path is wanted, it is its own.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("airml-");

    public string Path => _folder.FullName;

    public string this[params string[] names] => System.IO.Path.Combine([Path, .. names]);

    public static implicit operator string(TemporaryFolder folder) => folder.Path;

    public override string ToString() => Path;

    public void Dispose() => _folder.Delete(recursive: true);
}
