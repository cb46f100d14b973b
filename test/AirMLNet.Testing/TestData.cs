namespace AirMLNet.Testing;

/// <summary>Files under test/data.</summary>
public static class TestData
{
    public static string Root { get; } = Find();

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>One of the experiment files that come with the sources.</summary>
    public static string Experiment(string name) => System.IO.Path.Combine(Root, "..", "..", "experiments", name);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "AirMLNet.sln")))
            {
                return System.IO.Path.Combine(folder.FullName, "test", "data");
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has AirMLNet.sln.");
    }
}
