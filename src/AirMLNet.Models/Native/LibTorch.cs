using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace AirMLNet.Native;

/// <summary>
/// Which LibTorch TorchSharp runs on. <see cref="FolderVariable"/> names a folder with another than the program brought, such as the
/// <c>lib</c> folder of an installed PyTorch with CUDA; it is loaded first, and TorchSharp's native library then finds it by name.
/// </summary>
internal static class LibTorch
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string FolderVariable = "AIRMLNET_LIBTORCH";

    private const int Lazy = 1,
        Now = 2,
        NoLoad = 4,
        Global = 0x100; // RTLD_… of Linux

    private static readonly Version Oldest = new(2, 10);

    private static readonly Lazy<string?> Problem = new(Find);

    private static string? _folderProblem;

    /// <summary>The folder that was loaded because the variable names it; null where it names none.</summary>
    public static string? Folder { get; private set; }

    /// <summary>Makes sure that tensors can be made.</summary>
    /// <exception cref="DllNotFoundException">They cannot; the message says in one sentence why, and what to do.</exception>
    public static void Require()
    {
        if (Problem.Value is { } problem)
        {
            throw new DllNotFoundException(problem);
        }
    }

    /// <summary>
    /// Does what has to be done before LibTorch is loaded, when this assembly is first used: sets how its threads wait, and loads the
    /// named folder. Whoever uses TorchSharp before has its LibTorch by then; the two are not mixed.
    /// </summary>
#pragma warning disable CA2255 // there is no later moment that is early enough
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void BeforeLoading()
    {
        WaitWithoutSpinning();
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
        {
            LoadForNotebook();
            return;
        }

        try
        {
            _folderProblem = Load(folder);
            if (_folderProblem is null)
            {
                Folder = Path.GetFullPath(folder);
            }
        }
        catch (Exception e) when (e is DllNotFoundException or IOException or UnauthorizedAccessException)
        {
            _folderProblem = $"{FolderVariable} is '{folder}', whose libraries cannot be loaded: {Brief(e.Message)}.";
        }
    }

    /// <summary>
    /// LibTorch's threads otherwise spin between operators, each taking a processor from whoever else has work: beside two other busy
    /// programs on two processors, a fit took 414 s, and 55 s without spinning. The user's own settings stay.
    /// </summary>
    private static void WaitWithoutSpinning()
    {
        // Environment.SetEnvironmentVariable would tell this program only; the OpenMP library reads the process's own variables.
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is not null)
        {
            return;
        }

        try
        {
            _ = setenv("OMP_WAIT_POLICY", "passive", 0);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Then they spin: slower, but no reason for the program not to start.
        }
    }

    /// <summary>
    /// A notebook's runtime finds no native library, wherever TorchSharp lies: it is loaded from there before TorchSharp looks for it,
    /// which would copy half a gigabyte together. What fails here fails again, with a message, when tensors are first needed.
    /// </summary>
    private static void LoadForNotebook()
    {
        if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows) || OfProgram() is not null)
        {
            return;
        }

        try
        {
            if (Own() is { } own)
            {
                NativeLibrary.Load(own);
            }
            else
            {
                PackagedLibTorch.Load(TorchSharpFile, Version);
            }
        }
        catch (Exception e) when (e is DllNotFoundException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // See above.
        }
    }

    private static string? Load(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return $"{FolderVariable} is '{folder}', which is no folder; it names the one that holds {FileName("torch_cpu")}.";
        }
        // What is loaded under a name is found by that name when others ask for it; so each comes after what it asks for.
        string[] names = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];
        foreach (var name in names)
        {
            var file = Path.Combine(folder, FileName(name));
            if (File.Exists(file))
            {
                NativeLibrary.Load(file);
            }
            else if (!name.EndsWith("cuda", StringComparison.Ordinal))
            {
                return $"{FolderVariable} is '{folder}', which lacks {FileName(name)}; it names the lib folder of a LibTorch or an "
                    + $"installed PyTorch.";
            }
        }

        // A library of another version must not even be asked for: what is missing in it ends the process.
        if (LibTorchFacts.VersionOf(Path.Combine(folder, FileName("torch_cpu"))) is { } version && version < Oldest)
        {
            return $"{FolderVariable} is '{folder}', which holds LibTorch {version}; TorchSharp {Version} needs {Oldest} or newer.";
        }

        if (RuntimeInformation.IsOSPlatform(OSPlatform.Linux) && dlopen(FileName("torch_cpu"), Lazy | NoLoad) == 0)
        {
            return $"{FolderVariable} is '{folder}', whose libraries call themselves by other names than {FileName("torch_cpu")}: "
                + $"TorchSharp would not find them.";
        }

        if (Own() is not { } own)
        {
            return "This program lacks TorchSharp's native library: the package TorchSharp brings it.";
        }

        if (File.Exists(Path.Combine(Path.GetDirectoryName(own)!, FileName("torch_cuda"))))
        {
            return $"{FolderVariable} is set, but this program has a LibTorch with CUDA of its own; two in one process break each other.";
        }

        if (Unresolved(own) is { } missing)
        {
            return $"{FolderVariable} is '{folder}', a LibTorch that TorchSharp {Version} does not fit: {missing}.";
        }

        if (RuntimeInformation.IsOSPlatform(OSPlatform.Linux))
        {
            NameHolder.Load("torch_cpu.so");
        }

        return null;
    }

    /// <summary>Why there can be no tensors; null where there can.</summary>
    private static string? Find()
    {
        if (_folderProblem is not null)
        {
            return _folderProblem;
        }
        // Windows finds libraries another way; there TorchSharp's own message has to do.
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
        {
            if ((Own() ?? PackagedLibTorch.Load(TorchSharpFile, Version)) is not { } own)
            {
                // What TorchSharp makes of the package cache is its own affair: with CUDA, or on macOS.
                return PackagedLibTorch.Holds(TorchSharpFile, Version)
                    ? null
                    : "This program has no LibTorch: add the package TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows to "
                        + "it.";
            }

            try
            {
                NativeLibrary.Load(own);
            }
            catch (DllNotFoundException e)
            {
                return e.Message.Contains("GLIBCXX", StringComparison.Ordinal)
                    ? $"{own} needs the C++ library of GCC 13, which this system lacks; build the program with the package AirMLNet and "
                        + $"without <AirMLNetPatchTorchSharp>false</AirMLNetPatchTorchSharp>, which makes it load."
                    : $"TorchSharp's native library cannot be loaded: {Brief(e.Message)}; is the package TorchSharp-cpu (or -cuda-linux, "
                        + $"-cuda-windows) there, and does {FolderVariable} name a LibTorch where it is not?";
            }
        }

        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            return $"LibTorch cannot be loaded: {Brief((e.InnerException ?? e).Message)}.";
        }
    }

#pragma warning disable IL3000 // in a single file the place is empty, which is right: nothing lies beside it
    private static string TorchSharpFile => typeof(torch).Assembly.Location;
#pragma warning restore IL3000

    /// <summary>The name of this system in packages; the runtime's own may name a distribution.</summary>
    internal static string Platform =>
        (
            RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win-"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx-"
            : "linux-"
        ) + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static string Version => typeof(torch).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>TorchSharp's native library as the program brought it, or as it lies beside TorchSharp.</summary>
    private static string? Own() => OfProgram() ?? In(BesideTorchSharp());

    private static string? OfProgram() =>
        In(
            (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
                .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Append(AppContext.BaseDirectory)
        );

    private static string? In(IEnumerable<string> folders) =>
        folders.Select(f => Path.Combine(f, FileName("LibTorchSharp"))).FirstOrDefault(File.Exists);

    /// <summary>Where a build puts native libraries: a notebook or a plug-in is not told of the folder it loads from.</summary>
    private static IEnumerable<string> BesideTorchSharp() =>
        Path.GetDirectoryName(TorchSharpFile) is { Length: > 0 } folder
            ? [folder, Path.Combine(folder, "runtimes", Platform, "native")]
            : [];

    /// <summary>
    /// The first symbol that the libraries loaded so far do not give to a library; Linux would otherwise end the process when it is called.
    /// </summary>
    private static string? Unresolved(string library)
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || dlopen(library, Now | Global) != 0)
        {
            return null;
        }

        return Marshal.PtrToStringUTF8(dlerror()) is { } message ? Brief(message) : "it cannot be loaded";
    }

    /// <summary>A loader's message without what it says of other places where it looked.</summary>
    private static string Brief(string message) => message.Split('\n').Select(l => l.Trim()).First(l => l.Length > 0).TrimEnd('.');

    private static string FileName(string name) =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? name + ".dll"
        : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? $"lib{name}.dylib"
        : $"lib{name}.so";

    [DllImport("libdl.so.2")]
    private static extern nint dlopen([MarshalAs(UnmanagedType.LPUTF8Str)] string file, int mode);

    [DllImport("libdl.so.2")]
    private static extern nint dlerror();

    [DllImport("libc")]
    private static extern int setenv(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string value,
        int overwrite
    );
}
