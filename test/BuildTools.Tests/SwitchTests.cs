namespace AirMLNet.Publicizer.Tests;

/// <summary>
/// Packages=NuGet from the source of packages to the running program: packages with the official names, made here from
/// the offline assemblies, are restored, publicized, compiled against and run.
/// </summary>
[TestClass]
public sealed class SwitchTests : IDisposable
{
    private const string Version = StandIns.Version;

    private readonly string _folder = Directory.CreateTempSubdirectory("switch").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void Program_compiled_against_the_copies_uses_internal_members_of_the_real_assemblies()
    {
        string feed = Path.Combine(_folder, "feed");
        string[] assemblies = ["Microsoft.ML.DataView", "Microsoft.ML.Core", "Microsoft.ML.Data"];
        StandIns.Pack(feed, "Microsoft.ML", assemblies);
        StandIns.Pack(feed, "Microsoft.ML.ImageAnalytics");
        StandIns.Pack(feed, "TorchSharp");
        StandIns.Pack(feed, "SixLabors.ImageSharp");
        WriteProgram();
        (int code, string output) = StandIns.Dotnet(_folder, feed, "build", "-p:NuGetSource=" + feed);
        Assert.AreEqual(0, code, output);
        (code, output) = StandIns.Dotnet(_folder, feed, "exec", Path.Combine("bin", "Debug", "net10.0", "Program.dll"));
        Assert.AreEqual(0, code, output);
        Assert.AreEqual("the same: 7", output.Trim());
    }

    [TestMethod]
    public void Missing_packages_are_one_error_that_names_the_switch()
    {
        string feed = Path.Combine(_folder, "empty");
        Directory.CreateDirectory(feed);
        WriteProgram();
        (int code, string output) = StandIns.Dotnet(_folder, feed, "build", "-p:NuGetSource=" + feed);
        Assert.AreNotEqual(0, code);
        Assert.Contains("AIRML001", output);
        Assert.Contains("-p:Packages=Offline", output);
        Assert.Contains("-p:NuGetSource=", output);
        Assert.Contains(Version, output);
    }

    private void WriteProgram()
    {
        // Without these, the settings of a folder above would apply.
        File.WriteAllText(Path.Combine(_folder, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(_folder, "Directory.Packages.props"), "<Project />");
        File.WriteAllText(Path.Combine(_folder, "Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseAppHost>false</UseAppHost>
                <Packages>NuGet</Packages>
                <InvariantGlobalization>true</InvariantGlobalization>
                <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
              </PropertyGroup>
              <ItemGroup>
                <Compile Include="Program.cs" />
                <PackageReference Include="Microsoft.ML" Version="$(MicrosoftMLVersion)" />
              </ItemGroup>
              <Import Project="{Path.Combine(StandIns.Engineering, "NuGet.targets")}" />
            </Project>
            """);
        // A transformer of its own that writes and loads itself, which official assemblies allow only from inside.
        File.WriteAllText(Path.Combine(_folder, "Program.cs"), """
            using Microsoft.ML;
            using Microsoft.ML.Data;
            using Microsoft.ML.Runtime;

            [assembly: LoadableClass(typeof(Numbered), null, typeof(SignatureLoadModel), "Numbered", "NumberedXf")]

            var ml = new MLContext();
            using var stream = new MemoryStream();
            ml.Model.Save(new Numbered(7), null, stream);
            stream.Position = 0;
            var loaded = (Numbered)ml.Model.Load(stream, out _);
            Console.WriteLine($"the same: {loaded.Number}");

            internal sealed class Numbered(int number) : ITransformer
            {
                public int Number => number;

                bool ITransformer.IsRowToRowMapper => false;

                private static Numbered Create(IHostEnvironment env, ModelLoadContext ctx)
                {
                    ctx.CheckAtModel(GetVersionInfo());
                    return new Numbered(ctx.Reader.ReadInt32());
                }

                private static VersionInfo GetVersionInfo() =>
                    new("NUMBERED", 0x00010001, 0x00010001, 0x00010001, typeof(Numbered).Assembly.FullName, "NumberedXf");

                public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

                public IDataView Transform(IDataView input) => input;

                IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

                void ICanSaveModel.Save(ModelSaveContext ctx)
                {
                    ctx.CheckAtModel();
                    ctx.SetVersionInfo(GetVersionInfo());
                    ctx.Writer.Write(number);
                }
            }
            """);
    }
}
